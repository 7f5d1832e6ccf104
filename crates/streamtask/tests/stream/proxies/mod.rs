//! Through proxies: what they are asked for, what is heard of the server behind them, and that nobody gets round
//! them.

mod fake;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use streamtask::{Configuration, Error, ErrorKind, Limit, NoProxy, Proxy, StreamTask};
use streamtask_testkit::{Cut, Server, Wire, echo, free_port, greet_first, silent};

use crate::support::*;
use fake::{Fake, Manner};

const NAME: &str = "server.test";
const KINDS: [&str; 5] = ["socks4", "socks4a", "socks5", "socks5h", "http"];

fn proxy(url: &str) -> Proxy {
    url.parse().expect("a proxy")
}

/// Where names are resolved here, this is how.
fn knowing(server: &Server) -> Configuration {
    Configuration::default().resolve(NAME, server.port(), Ipv4Addr::LOCALHOST.into())
}

fn connect(configuration: Configuration, server: &Server) -> StreamTask {
    session_of(configuration).connect(NAME, server.port()).expect("a task")
}

async fn echoes(task: &StreamTask) {
    done(task.write("hello", GUARD)).await;
    assert_eq!(done(task.read_exact(5, GUARD)).await.data, "hello");
}

async fn fails(task: &StreamTask) -> Error {
    soon(task.completion()).await.expect_err("it does not get through")
}

#[tokio::test]
async fn every_kind_of_proxy_leads_to_the_server_by_name_or_by_address() {
    let server = echo();
    for kind in KINDS {
        let fake = Fake::new(Manner::default());
        let task = connect(knowing(&server).proxy(proxy(&fake.url(kind))), &server);
        echoes(&task).await;
        task.close_write();
        assert!(done(task.read_data(1.., GUARD)).await.at_eof, "the end comes through, too");
        let host = if ["socks4", "socks5"].contains(&kind) { "127.0.0.1" } else { NAME };
        assert_eq!(fake.asked(), [format!("{host}:{}", server.port())], "{kind}");
        assert_eq!(task.bytes_sent(), 5, "what proxies are told is not the application's");
        assert_eq!(task.bytes_received(), 5);
    }
}

#[tokio::test]
async fn a_server_that_speaks_first_is_heard_in_full() {
    let server = greet_first("220 mail.test ready\r\n");
    for kind in KINDS {
        let fake = Fake::new(Manner { glues: true, ..Manner::default() });
        let task = connect(knowing(&server).proxy(proxy(&fake.url(kind))), &server);
        let greeting = done(task.read_until("\r\n", 64, GUARD)).await;
        assert_eq!(greeting.data, "220 mail.test ready\r\n", "{kind}");
    }
}

#[tokio::test]
async fn a_hundred_writes_in_flight_keep_their_order() {
    let server = echo();
    for kind in KINDS {
        let fake = Fake::new(Manner::default());
        let configuration = knowing(&server).proxy(proxy(&fake.url(kind)));
        let task = session_of(configuration).stream_task(NAME, server.port()).expect("a task");
        let pieces: Vec<Vec<u8>> = (0..100).map(|n| vec![n as u8; 1 + n * n * 7 % 9000]).collect();
        let all = pieces.concat();
        let read = task.read_exact(all.len(), GUARD);
        let writes: Vec<_> = pieces.into_iter().map(|piece| task.write(piece, GUARD)).collect();
        task.resume();
        for write in writes {
            done(write).await;
        }
        assert!(done(read).await.data == all, "{kind}: something is out of place");
    }
}

#[tokio::test]
async fn a_chain_is_gone_through_from_the_nearest_on() {
    let server = echo();
    let fakes = [(); 3].map(|()| Fake::new(Manner::default()));
    let urls = [fakes[0].url("socks5"), fakes[1].url("http"), fakes[2].url("socks4")];
    let chain = urls.iter().map(|url| proxy(url));
    let task = connect(knowing(&server).proxy_chain(chain), &server);
    echoes(&task).await;
    let place = |url: &str| url.split_once("://").expect("a scheme").1.to_owned();
    assert_eq!(fakes[0].asked(), [place(&urls[1])]);
    assert_eq!(fakes[1].asked(), [place(&urls[2])]);
    assert_eq!(fakes[2].asked(), [format!("127.0.0.1:{}", server.port())]);
}

#[tokio::test]
async fn where_a_proxy_fails_the_next_one_is_tried_and_never_none() {
    let server = echo();
    let dead = format!("socks5h://127.0.0.1:{}", free_port());
    let refuses = Fake::new(Manner { only: Some(1), ..Manner::default() });
    let works = Fake::new(Manner::default());
    let two = knowing(&server).proxy(proxy(&dead)).proxy(proxy(&refuses.url("http")));
    let error = fails(&connect(two.clone(), &server)).await;
    assert_eq!(error.kind(), ErrorKind::CannotConnect);
    assert_eq!(refuses.asked().len(), 1, "it was asked, and nobody went round it");
    let said = error.to_string();
    let (first, others) = said.split_once("; ").expect("both are named");
    assert!(first.contains("the proxy http://127.0.0.1"), "the one that got further: {said}");
    assert!(others.contains("the proxy socks5h://127.0.0.1"), "{said}");
    let task = connect(two.proxy(proxy(&works.url("socks5h"))), &server);
    echoes(&task).await;
    assert_eq!(task.attempts().len(), 3);
}

#[tokio::test]
async fn whoever_is_exempt_is_connected_to_directly() {
    let server = echo();
    let fake = Fake::new(Manner::default());
    let through = knowing(&server).proxy(proxy(&fake.url("socks5h")));
    let exempt = through.clone().no_proxy(NoProxy::new("elsewhere.test,.test:25"));
    echoes(&connect(exempt, &server)).await;
    assert_eq!(fake.asked().len(), 1, "that was another port");
    echoes(&connect(through.no_proxy(NoProxy::new("server.test")), &server)).await;
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_hangs_has_its_turn_and_then_the_next_one_is_tried() {
    let (hangs, server) = (silent(), echo());
    let works = Fake::new(Manner::default());
    let url = format!("http://127.0.0.1:{}", hangs.port());
    let either = knowing(&server).proxy(proxy(&url)).proxy_timeout(SHORT);
    let task = connect(either.clone().proxy(proxy(&works.url("socks5h"))), &server);
    echoes(&task).await;
    // The last one has all the time there is.
    let last = either.timeout_for_request(5 * SHORT);
    assert_eq!(fails(&connect(last, &server)).await.kind(), ErrorKind::TimedOut(Limit::Connect));
}

#[tokio::test]
async fn a_proxy_that_cannot_reach_the_next_one_says_for_which_it_was_asked() {
    let server = echo();
    let near = Fake::new(Manner { only: Some(1), ..Manner::default() });
    let chain = [proxy(&near.url("socks5h")), proxy("http://far.test:3128")];
    let error = fails(&connect(knowing(&server).proxy_chain(chain), &server)).await;
    let said = error.to_string();
    assert!(said.contains("asked for http://far.test:3128: it says: connection refused"), "{said}");
}

#[tokio::test]
async fn who_asks_is_told_to_proxies_that_want_to_know() {
    let server = echo();
    for kind in ["socks5", "socks5h", "http"] {
        let fake = Fake::new(Manner { login: Some(("me", "secret")), ..Manner::default() });
        let known = knowing(&server).proxy(proxy(&fake.url_for(kind, "me:secret")));
        echoes(&connect(known, &server)).await;
        for stranger in [fake.url(kind), fake.url_for(kind, "me:guess")] {
            let task = connect(knowing(&server).proxy(proxy(&stranger)), &server);
            let error = fails(&task).await;
            assert_eq!(error.kind(), ErrorKind::ProxyAuthenticationRequired, "{kind}");
            let said = format!("{error} {error:?} {error:#?}");
            assert!(!said.contains("guess") && said.contains("127.0.0.1"), "{said}");
        }
    }
}

#[tokio::test]
async fn each_proxy_of_a_chain_may_want_to_know_who_asks() {
    let server = echo();
    let manner = Manner { login: Some(("me", "secret")), ..Manner::default() };
    let fakes = [(); 3].map(|()| Fake::new(manner));
    let kinds = ["http", "socks5", "http"];
    let chain = fakes.iter().zip(kinds).map(|(fake, kind)| proxy(&fake.url_for(kind, "me:secret")));
    let task = connect(knowing(&server).proxy_chain(chain), &server);
    echoes(&task).await;
    let counts = fakes.map(|fake| fake.asked().len());
    assert_eq!(counts, [3, 2, 2], "once more for each that had to ask, and no more");
}

#[tokio::test]
async fn a_proxy_that_takes_no_names_is_asked_for_one_address_after_the_other() {
    let server = echo();
    let fake = Fake::new(Manner { only: Some(server.port()), ..Manner::default() });
    // The proxy refuses by port here, so addresses that differ are all the same to it: the first is refused by
    // having no IPv4 to be asked for, the second is taken.
    let configuration = Configuration::default()
        .resolve(NAME, server.port(), "2001:db8::1".parse().expect("an address"))
        .resolve(NAME, server.port(), Ipv4Addr::new(127, 0, 0, 2).into())
        .resolve(NAME, server.port(), Ipv4Addr::LOCALHOST.into());
    let task = connect(configuration.clone().proxy(proxy(&fake.url("socks4"))), &server);
    echoes(&task).await;
    assert_eq!(fake.asked(), [format!("127.0.0.2:{}", server.port())]);
    let refuses = Fake::new(Manner { only: Some(1), ..Manner::default() });
    let task = connect(configuration.proxy(proxy(&refuses.url("socks4"))), &server);
    let error = fails(&task).await;
    assert_eq!(error.kind(), ErrorKind::ProxyRefused);
    assert_eq!(refuses.asked().len(), 2, "each on a connection of its own");
}

#[tokio::test]
async fn a_proxy_that_hangs_is_waited_for_as_long_as_connecting_may_take() {
    let hangs = silent();
    let server = echo();
    for kind in KINDS {
        let url = format!("{kind}://127.0.0.1:{}", hangs.port());
        let configuration = knowing(&server).proxy(proxy(&url)).timeout_for_request(SHORT);
        let task = connect(configuration, &server);
        let read = task.read_exact(1, SHORT / 2);
        let late = soon(read).await.expect_err("nobody answers");
        assert!(late.to_string().contains("still asking a proxy"), "{late}");
        assert_eq!(fails(&task).await.kind(), ErrorKind::TimedOut(Limit::Connect));
    }
}

#[tokio::test]
async fn a_proxy_that_closes_before_it_has_answered_is_broken() {
    let closes = Server::start(|conn| async move {
        drop(conn);
        Ok(())
    });
    let server = echo();
    for kind in KINDS {
        let url = format!("{kind}://127.0.0.1:{}", closes.port());
        let task = connect(knowing(&server).proxy(proxy(&url)), &server);
        let error = fails(&task).await;
        let kinds = [ErrorKind::ProxyAnswerInvalid, ErrorKind::ConnectionLost];
        assert!(kinds.contains(&error.kind()), "{error}");
    }
}

#[tokio::test]
async fn what_a_proxy_said_is_never_taken_for_the_servers_words() {
    let answers = ["HTTP/1.1 403 No\r\n\r\nsorry", "HTTP/1.1 200", "nonsense\r\n\r\n"];
    for answer in answers {
        let refuses = Server::start(move |mut conn| async move {
            while !conn.read_line().await?.is_empty() {}
            conn.write(answer).await?;
            conn.half_close().await
        });
        let url = format!("http://127.0.0.1:{}", refuses.port());
        let session = session_of(Configuration::default().proxy(proxy(&url)));
        let task = session.stream_task(NAME, 25).expect("a task");
        let queued = task.read_data(1.., GUARD);
        task.resume();
        let error = soon(queued).await.expect_err("nothing is the server's");
        for late in [task.read_data(1.., GUARD), task.read_exact(1, GUARD)] {
            let late = soon(late).await.map(|read| read.data).expect_err("nor is it later");
            assert_eq!(late.kind(), error.kind());
        }
        assert_eq!(task.bytes_received(), 0);
    }
}

#[tokio::test]
async fn an_answer_in_pieces_is_heard_though_nobody_reads_any_more() {
    let (received, heard) = std::sync::mpsc::channel();
    let slow = Server::start(move |mut conn| {
        let received = received.clone();
        async move {
            while !conn.read_line().await?.is_empty() {}
            conn.write("HTTP/1.1 200 OK\r\n\r\n").await?;
            let said = conn.read_to_end().await?;
            received.send(said).map_err(std::io::Error::other)
        }
    });
    let wire = Wire::start(slow.addr(), Cut::EveryByte);
    let url = format!("http://127.0.0.1:{}", wire.port());
    let task = session_of(Configuration::default().proxy(proxy(&url))).connect(NAME, 514).unwrap();
    task.write("<14>I was here\n", None).detach();
    task.close();
    let said = soon(tokio::task::spawn_blocking(move || heard.recv_timeout(GUARD))).await.unwrap();
    assert_eq!(said.expect("it arrives"), b"<14>I was here\n");
    done(task.completion()).await;
}

#[tokio::test]
async fn the_direct_way_behind_a_proxy_that_failed_begins_anew() {
    let refuses = Server::start(|mut conn| async move {
        while !conn.read_line().await?.is_empty() {}
        conn.write("HTTP/1.1 403 No\r\n\r\nsorry").await?;
        conn.half_close().await
    });
    let server = echo();
    let url = format!("http://127.0.0.1:{}", refuses.port());
    let task = connect(knowing(&server).proxy(proxy(&url)).proxy_chain([]), &server);
    echoes(&task).await;
    let read = soon(task.read_data(1.., SHORT)).await;
    assert!(read.is_err_and(|late| late.is_timeout()), "there is no end, and nothing else");
    let there = task.remote_address().expect("it is connected");
    assert_eq!(there.port(), server.port(), "the proxy's address is forgotten");
}

#[tokio::test]
async fn a_read_that_is_held_and_not_polled_holds_up_no_proxy() {
    let server = echo();
    for kind in KINDS {
        let fake = Fake::new(Manner::default());
        let task = connect(knowing(&server).proxy(proxy(&fake.url(kind))), &server);
        let mut held = task.read_exact(5, GUARD);
        assert!(is_pending(&mut held).await);
        let begun = Instant::now();
        // Not by way of the task: whoever asks it anything may drive it.
        until(|| fake.asked().len() == 1).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "{kind}: until some timer");
        done(task.write("hello", GUARD)).await;
        assert_eq!(done(held).await.data, "hello");
    }
}

#[tokio::test]
async fn a_proxy_that_answers_before_it_is_asked_is_asked_all_the_same() {
    // All that it will ever say, in one piece with what is behind it.
    let answers = [5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0, b'2', b'2', b'0', b'\n'];
    let hasty = Server::start(move |mut conn| async move {
        conn.write(answers).await?;
        let asked = conn.read_exact(3 + 5 + NAME.len() + 2).await?;
        assert_eq!(asked[..8], [5, 1, 0, 5, 1, 0, 3, NAME.len() as u8]);
        let said = conn.read_exact(5).await?;
        conn.write(said).await
    });
    let url = format!("socks5h://127.0.0.1:{}", hasty.port());
    let session = session_of(Configuration::default().proxy(proxy(&url)));
    let task = session.connect(NAME, 25).expect("a task");
    assert_eq!(done(task.read_exact(4, GUARD)).await.data, "220\n");
    echoes(&task).await;
    hasty.finish();
}

#[tokio::test]
async fn nothing_that_is_queued_leaves_before_the_proxy_has_answered() {
    let server = echo();
    let heard = Server::start(|mut conn| async move {
        while !conn.read_line().await?.is_empty() {}
        let before = tokio::time::timeout(Duration::from_millis(100), conn.read()).await;
        assert!(before.is_err(), "something came behind the request");
        conn.write("HTTP/1.1 200 OK\r\n\r\n").await?;
        let said = conn.read_exact(5).await?;
        conn.write(said).await
    });
    let url = format!("http://127.0.0.1:{}", heard.port());
    let configuration = knowing(&server).proxy(proxy(&url));
    let task = session_of(configuration).stream_task(NAME, 25).expect("a task");
    let write = task.write("hello", GUARD);
    task.resume();
    done(write).await;
    assert_eq!(done(task.read_exact(5, GUARD)).await.data, "hello");
}

#[tokio::test]
async fn cancelling_while_a_proxy_is_asked_ends_the_task_at_once() {
    let hangs = silent();
    let server = echo();
    let url = format!("socks5h://127.0.0.1:{}", hangs.port());
    let task = connect(knowing(&server).proxy(proxy(&url)), &server);
    let read = task.read_exact(1, SHORT);
    assert!(soon(read).await.is_err_and(|late| late.is_timeout()), "it is under way");
    task.cancel();
    assert!(fails(&task).await.is_cancelled());
}
