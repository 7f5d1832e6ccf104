//! Nothing is injected: clear text that lies unread when TLS is to start is neither delivered nor taken for TLS.

use std::time::Duration;

use streamtask::{ErrorKind, Limit, Session, StreamTask, UnreadClearText};
use streamtask_testkit::{Authority, Server, Version};

use crate::support::{SOON, configuration, in_time, session, settings, task};

/// What servers say to start TLS, and what an attacker glues behind it.
const DIALOGUES: [(&str, &str, &str); 5] = [
    ("STARTTLS\r\n", "220 go ahead\r\n", "250-injected\r\n250 AUTH PLAIN\r\n"),
    ("a1 STARTTLS\r\n", "a1 OK begin\r\n", "* BYE injected\r\n"),
    ("STLS\r\n", "+OK begin\r\n", "-ERR injected"),
    ("AUTH TLS\r\n", "234 go\r\n", "2"),
    ("SSL?\n", "S\n", "E injected\0"),
];

/// Answers the first line with `reply` and `glued` in one send, then tells how many bytes came after it.
fn injecting(reply: &'static str, glued: &'static str) -> Server {
    Server::start(move |mut conn| async move {
        conn.read_line().await?;
        let before = conn.raw_received();
        conn.write(format!("{reply}{glued}")).await?;
        conn.wait_closed().await?;
        assert_eq!(conn.raw_received(), before, "not even a ClientHello came");
        Ok(())
    })
}

async fn ask(task: &StreamTask, command: &'static str, reply: &'static str) {
    in_time(task.write(command, SOON)).await.expect("written");
    let heard = in_time(task.read_until("\n", 100, SOON)).await.expect("a reply");
    assert_eq!(heard.data, reply);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_with_more_glued_behind_it_fails_the_task_with_the_count() {
    let authority = Authority::new();
    for (command, reply, glued) in DIALOGUES {
        let server = injecting(reply, glued);
        let task = task(&session(&authority), server.port());
        ask(&task, command, reply).await;
        let start = task.start_secure_connection();
        let write = task.write("secret", SOON);
        let read = task.read_data(1..=100, SOON);
        let kind = ErrorKind::UnexpectedClearText { bytes: glued.len() };
        assert_eq!(in_time(start).await.expect_err("refused").kind(), kind);
        assert_eq!(in_time(write).await.expect_err("refused").kind(), kind);
        assert_eq!(in_time(read).await.expect_err("refused").kind(), kind);
        tokio::task::spawn_blocking(move || server.finish()).await.expect("content");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_still_in_the_kernel_are_found_too() {
    let authority = Authority::new();
    let (sent, was_sent) = tokio::sync::oneshot::channel::<()>();
    let sent = std::sync::Mutex::new(Some(sent));
    let server = Server::start(move |mut conn| {
        let sent = sent.lock().expect("nobody panicked").take();
        async move {
            conn.read_line().await?;
            conn.write("220 go\r\n").await?;
            conn.read_line().await?;
            conn.write("250 injected\r\n").await?;
            sent.expect("one connection").send(()).expect("the test listens");
            conn.wait_closed().await.map(drop)
        }
    });
    let task = task(&session(&authority), server.port());
    ask(&task, "STARTTLS\r\n", "220 go\r\n").await;
    in_time(task.write("now\r\n", SOON)).await.expect("written");
    // The bytes have left the server, which on loopback means that they are here.
    in_time(was_sent).await.expect("sent");
    let error = in_time(task.start_secure_connection()).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::UnexpectedClearText { bytes: 14 });
}

#[tokio::test(flavor = "multi_thread")]
async fn on_request_unread_clear_text_is_thrown_away_and_never_seen_again() {
    let authority = Authority::new();
    let settings = settings(&authority, Version::Tls13);
    let server = Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            conn.read_line().await?;
            conn.write("220 go\r\n250 injected\r\n").await?;
            conn.start_tls(&settings).await?;
            conn.write("250 genuine\r\n").await?;
            conn.read_to_end().await.map(drop)
        }
    });
    let configuration = configuration(&authority).unread_clear_text(UnreadClearText::Discard);
    let task = task(&Session::new(configuration).expect("a session"), server.port());
    ask(&task, "STARTTLS\r\n", "220 go\r\n").await;
    in_time(task.start_secure_connection()).await.expect("TLS");
    let heard = in_time(task.read_until("\r\n", 100, SOON)).await.expect("a reply");
    assert_eq!(heard.data, "250 genuine\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn clear_text_instead_of_a_server_hello_fails_the_handshake_at_once() {
    let authority = Authority::new();
    for garbage in ["250 x\r\n", "* CAPA\r\n", "SSH-2.0-x\r\n", "HTTP/1.1 400 no\r\n\r\n", "E"] {
        let server = Server::start(move |mut conn| async move {
            conn.read().await?;
            conn.write(garbage).await?;
            conn.wait_closed().await.map(drop)
        });
        let task = task(&session(&authority), server.port());
        let start = task.start_secure_connection();
        let write = task.write("secret", SOON);
        let error = in_time(start).await.expect_err("no TLS");
        assert_eq!(error.kind(), ErrorKind::SecureConnectionFailed, "{garbage:?}");
        assert_eq!(in_time(write).await.expect_err("no TLS").kind(), error.kind());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_in_mid_handshake_meets_the_limit() {
    let authority = Authority::new();
    let server = Server::start(move |mut conn| async move {
        conn.read().await?;
        conn.write([0x16]).await?;
        conn.wait_closed().await.map(drop)
    });
    let configuration = configuration(&authority).timeout_for_request(Duration::from_millis(300));
    let task = task(&Session::new(configuration).expect("a session"), server.port());
    let error = in_time(task.start_secure_connection()).await.expect_err("too late");
    assert_eq!(error.kind(), ErrorKind::TimedOut(Limit::SecureStart));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_waits_when_tls_starts_gets_decrypted_bytes() {
    let authority = Authority::new();
    let settings = settings(&authority, Version::Tls13);
    let server = Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            conn.start_tls(&settings).await?;
            conn.write("under TLS").await?;
            conn.read_to_end().await.map(drop)
        }
    });
    let task = task(&session(&authority), server.port());
    let parked = task.read_exact(9, SOON);
    in_time(task.start_secure_connection()).await.expect("TLS");
    assert_eq!(in_time(parked).await.expect("bytes").data, "under TLS");
}
