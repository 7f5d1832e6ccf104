//! What goes wrong on the way: which exit code, and three lines that help.

use std::io::Write;

use streamtask_testkit as kit;

use crate::support::{Finished, Run, run, trusted};

/// The three lines of a failure.
fn lines(done: &Finished) -> Vec<&str> {
    let lines: Vec<_> = done.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{}", done.stderr);
    lines
}

#[test]
fn a_port_where_nobody_listens_exits_with_3_and_says_what_to_check() {
    let port = kit::free_port().to_string();
    let done = run(&["connect", "127.0.0.1", &port], b"").expect(3);
    let lines = lines(&done);
    assert_eq!(lines[0], format!("streamtask: connecting to 127.0.0.1:{port} failed"));
    assert!(lines[1].starts_with("  where  cannot connect to the host"), "{}", lines[1]);
    assert!(lines[2].starts_with("  next   check the port"), "{}", lines[2]);
}

#[test]
fn a_name_without_an_address_exits_with_3() {
    run(&["connect", "nobody.invalid", "1"], b"").expect(3);
}

#[test]
fn a_stream_under_tls_that_is_cut_off_exits_with_6_behind_what_came() {
    let (_, ca, settings) = trusted("cut_off");
    let server = kit::Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            conn.start_tls(&settings).await?;
            conn.write("half of").await?;
            conn.half_close_raw().await?;
            conn.wait_closed().await.map(drop)
        }
    });
    let port = server.port().to_string();
    let done = run(&["connect", "localhost", &port, "--tls", "--ca", &ca], b"").expect(6);
    assert_eq!(done.stdout, b"half of");
    assert!(lines(&done)[2].contains("incomplete"), "{}", done.stderr);
}

#[test]
fn a_connection_that_is_reset_exits_with_6() {
    let server = kit::resetter();
    run(&["connect", "localhost", &server.port().to_string()], b"x").expect(6);
}

#[test]
fn a_handshake_without_an_answer_exits_with_7() {
    let server = kit::silent();
    let port = server.port().to_string();
    let done = run(&["connect", "localhost", &port, "--tls", "--timeout", "0.2"], b"").expect(7);
    assert!(lines(&done)[0].contains("starting TLS with localhost"), "{}", done.stderr);
    server.finish();
}

#[test]
fn a_greeting_that_never_comes_exits_with_7() {
    let server = kit::silent();
    let port = server.port().to_string();
    let options = ["--starttls", "imap", "--timeout", "0.2"];
    let done = run(&[&["connect", "localhost", &port][..], &options].concat(), b"").expect(7);
    assert!(lines(&done)[0].contains("for TLS in imap"), "{}", done.stderr);
    server.finish();
}

#[test]
fn the_timeout_does_not_concern_a_conversation_that_has_begun() {
    let (echo, silent) = (kit::echo(), kit::silent());
    let port = echo.port().to_string();
    let mut begun = Run::start(&["connect", "localhost", &port, "--timeout", "0.2", "-v"]);
    begun.told("● connected");
    // By the time that another run has reached the same limit, this one has passed it.
    let port = silent.port().to_string();
    run(&["connect", "localhost", &port, "--tls", "--timeout", "0.2"], b"").expect(7);
    let mut stdin = begun.stdin.take().expect("stdin was not taken yet");
    stdin.write_all(b"late").expect("the command reads");
    drop(stdin);
    assert_eq!(begun.finish().expect(0).stdout, b"late");
}
