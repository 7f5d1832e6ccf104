//! How the command gets there: through proxies, to addresses that are known, to whoever answers.

use streamtask_testkit as kit;

use crate::support::run;

/// Answers a CONNECT so, and waits for the end.
fn proxy(answer: &'static str) -> (kit::Server, String) {
    let server = kit::Server::start(move |mut conn| async move {
        while !conn.read_line().await?.is_empty() {}
        conn.write(answer).await?;
        conn.half_close().await?;
        conn.wait_closed().await.map(drop)
    });
    let url = format!("http://127.0.0.1:{}", server.port());
    (server, url)
}

#[test]
fn what_a_server_says_with_its_proxys_answer_comes_to_stdout_and_the_answer_does_not() {
    let (_server, url) = proxy("HTTP/1.1 200 OK\r\nVia: x\r\n\r\n220 hello\r\n");
    let done = run(&["connect", "mail.test", "25", "--proxy", &url, "-v"], b"").expect(0);
    assert_eq!(done.stdout, b"220 hello\r\n");
    assert!(done.stderr.contains("connected by way of 127.0.0.1:"), "{}", done.stderr);
}

#[test]
fn a_proxy_that_refuses_exits_with_5_and_one_that_is_not_there_with_3() {
    let (_server, url) = proxy("HTTP/1.1 403 Not for you\r\n\r\n");
    let done = run(&["connect", "mail.test", "25", "--proxy", &url], b"").expect(5);
    assert!(done.stderr.contains("it says: 403 Not for you"), "{}", done.stderr);
    let (_server, url) = proxy("HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic\r\n\r\n");
    let done = run(&["connect", "mail.test", "25", "--proxy", &url], b"").expect(5);
    assert!(done.stderr.contains("USER:PASSWORD@"), "{}", done.stderr);
    let nobody = format!("socks5h://127.0.0.1:{}", kit::free_port());
    let done = run(&["connect", "mail.test", "25", "--proxy", &nobody], b"").expect(3);
    assert!(done.stderr.contains(&nobody), "{}", done.stderr);
    // The next one with a comma, and the same proxy twice is a chain of two.
    let (_server, url) = proxy("HTTP/1.1 200 OK\r\n\r\nhello\r\n");
    let either = format!("{nobody},{url}");
    assert_eq!(
        run(&["connect", "h", "25", "--proxy", &either], b"").expect(0).stdout,
        b"hello\r\n"
    );
}

#[test]
fn a_proxy_that_cannot_be_read_is_not_repeated() {
    for url in ["socks5://me:secret@host:port", "secret", "ftp://secret@h", "http://secret@h/path"]
    {
        let done = run(&["connect", "h", "1", "--proxy", url], b"").expect(2);
        assert!(!done.stderr.contains("secret"), "{}", done.stderr);
    }
}

#[test]
fn a_known_host_is_not_looked_up_and_all_its_addresses_are_tried() {
    let server = kit::echo();
    let port = server.port().to_string();
    let known = format!("nobody.invalid:{port}:[::1],127.0.0.1");
    let arguments = ["connect", "nobody.invalid", &port, "--resolve", &known];
    assert_eq!(run(&arguments, b"hello").expect(0).stdout, b"hello");
    let four = [&arguments[..], &["--prefer", "4", "-v"]].concat();
    let done = run(&four, b"").expect(0);
    assert!(!done.stderr.contains("::1"), "{}", done.stderr);
}

#[test]
fn a_proxy_that_hangs_exits_with_7_within_the_time_for_connecting() {
    let server = kit::silent();
    let url = format!("socks5h://127.0.0.1:{}", server.port());
    let arguments = ["connect", "h", "1", "--proxy", &url, "--connect-timeout", "0.2"];
    run(&arguments, b"").expect(7);
}
