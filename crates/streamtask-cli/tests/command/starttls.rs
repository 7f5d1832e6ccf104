//! STARTTLS: the dialogue, its refusals, and that nothing of stdin is ever said in clear text.

use std::io;

use streamtask_testkit::{self as kit, Conn, Received, Server};

use crate::support::{file, run, trusted};

/// A server that plays `lines` in clear text (`<` says, `>` hears), then takes what still comes.
fn scripted(lines: &'static [&'static str]) -> (Server, std::sync::mpsc::Receiver<Vec<u8>>) {
    let (sender, rest) = std::sync::mpsc::channel();
    let server = Server::start(move |mut conn| {
        let sender = sender.clone();
        async move {
            let outcome = play(&mut conn, lines).await;
            let _ = sender.send(conn.wait_closed().await?);
            outcome
        }
    });
    (server, rest)
}

async fn play(conn: &mut Conn, lines: &[&str]) -> io::Result<()> {
    for line in lines {
        match line.split_at(1) {
            ("<", words) => conn.write(format!("{words}\r\n")).await?,
            (_, words) => {
                let heard = conn.read_line().await?;
                assert!(heard.starts_with(words), "{heard:?} is not {words:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn smtp_is_asked_and_stdin_goes_under_tls_with_the_dialogue_kept_from_stdout() {
    let (_, ca, settings) = trusted("smtp");
    let server = kit::starttls(settings);
    let port = server.port().to_string();
    let arguments = ["connect", "localhost", &port, "--starttls", "smtp", "--ca", &ca];
    let done = run(&arguments, b"ECHO inside\r\nQUIT\r\n").expect(0);
    assert_eq!(done.stdout, b"250 inside\r\n221 bye\r\n");
    assert_eq!(done.stderr, "");
    server.finish();
}

#[test]
fn verbose_shows_the_dialogue_and_what_tls_came_to() {
    let (_, ca, settings) = trusted("verbose");
    let server = kit::starttls(settings);
    let port = server.port().to_string();
    let arguments = ["connect", "localhost", &port, "-v", "--starttls", "smtp", "--ca", &ca];
    let done = run(&arguments, b"QUIT\r\n").expect(0);
    let told: Vec<_> = done.stderr.lines().skip(1).collect();
    assert_eq!(
        told,
        [
            "← 220 testkit ready",
            "→ EHLO [127.0.0.1]",
            "← 250-testkit",
            "← 250 STARTTLS",
            "→ STARTTLS",
            "← 220 go ahead",
            "● TLS 1.3, TLS13_AES_256_GCM_SHA384, as localhost",
        ]
    );
}

#[test]
fn an_ipv4_address_in_ipv6_clothes_is_named_as_what_it_is() {
    for (protocol, verb) in [("smtp", "EHLO"), ("lmtp", "LHLO")] {
        let (server, _) = scripted(&["<220 hi", ">", "<554 no"]);
        let port = server.port().to_string();
        let arguments = ["connect", "::ffff:127.0.0.1", &port, "-v", "--starttls", protocol];
        let done = run(&arguments, b"").expect(5);
        assert!(done.stderr.contains(&format!("→ {verb} [127.0.0.1]\n")), "{}", done.stderr);
    }
}

#[test]
fn each_protocol_comes_to_tls() {
    const SCRIPTS: &[(&str, &[&str])] = &[
        ("lmtp", &["<220 l", ">LHLO ", "<250-l", "<250 STARTTLS", ">STARTTLS", "<220 go"]),
        ("imap", &["<* OK hi", ">st1 STARTTLS", "<* CAPABILITY X", "<st1 OK go"]),
        ("pop3", &["<+OK hi", ">STLS", "<+OK go"]),
        ("ftp", &["<220-hi", "<220 there", ">AUTH TLS", "<234 go"]),
        ("nntp", &["<200 hi", ">STARTTLS", "<382 go"]),
        ("sieve", &["<\"STARTTLS\"", "<OK", ">STARTTLS", "<OK \"go\""]),
    ];
    let (_, ca, settings) = trusted("each");
    for &(protocol, script) in SCRIPTS {
        let settings = settings.clone();
        let server = Server::start(move |mut conn| {
            let settings = settings.clone();
            async move {
                play(&mut conn, script).await?;
                conn.start_tls(&settings).await?;
                let heard = conn.read_to_end().await?;
                conn.write(heard).await?;
                conn.half_close().await
            }
        });
        let port = server.port().to_string();
        let arguments = ["connect", "localhost", &port, "--starttls", protocol, "--ca", &ca];
        assert_eq!(run(&arguments, b"secret").expect(0).stdout, b"secret", "{protocol}");
        server.finish();
    }
}

#[test]
fn postgres_is_asked_with_eight_bytes_and_answers_with_one() {
    let (_, ca, settings) = trusted("postgres");
    let server = Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            assert_eq!(conn.read_exact(8).await?, [0, 0, 0, 8, 4, 210, 22, 47]);
            conn.write("S").await?;
            conn.start_tls(&settings).await?;
            conn.write("in").await?;
            conn.half_close().await?;
            conn.wait_closed().await.map(drop)
        }
    });
    let port = server.port().to_string();
    let arguments = ["connect", "localhost", &port, "--starttls", "postgres", "--ca", &ca];
    assert_eq!(run(&arguments, b"").expect(0).stdout, b"in");
    server.finish();
}

#[test]
fn a_refusal_exits_with_5_and_nothing_of_stdin_is_sent() {
    const REFUSALS: &[(&str, &[&str])] = &[
        ("smtp", &["<554 no"]),
        ("smtp", &["<220 hi", ">EHLO", "<250-a", "<250 SIZE 1"]),
        ("smtp", &["<220 hi", ">EHLO", "<250-a", "<250 STARTTLS", ">STARTTLS", "<454 later"]),
        ("smtp", &["<220 hi", ">EHLO", "<250-a", "<250 STARTTLS", ">STARTTLS", "<250 what"]),
        ("imap", &["<* PREAUTH welcome"]),
        ("imap", &["<* OK hi", ">st1 STARTTLS", "<a1 OK go"]),
        ("imap", &["<* OK hi", ">st1 STARTTLS", "<st1 BAD what"]),
        ("pop3", &["<+OK hi", ">STLS", "<-ERR no"]),
        ("ftp", &["<220 hi", ">AUTH TLS", "<502 no"]),
        ("nntp", &["<200 hi", ">STARTTLS", "<580 no"]),
        ("sieve", &["<OK"]),
        ("postgres", &["<HTTP/1.1 400"]),
    ];
    for &(protocol, script) in REFUSALS {
        let (server, rest) = scripted(script);
        let port = server.port().to_string();
        let done = run(&["connect", "localhost", &port, "--starttls", protocol], b"secret");
        let done = done.expect(5);
        assert_eq!(done.stdout, b"", "{script:?}");
        let rest = rest.recv().expect("the script reports");
        assert!(!rest.windows(6).any(|bytes| bytes == b"secret"), "{script:?}");
        server.finish();
    }
}

#[test]
fn an_answer_before_the_question_is_refused() {
    let (server, _) = scripted(&["<220 hi\r\n250 STARTTLS\r\n220 go"]);
    let port = server.port().to_string();
    let done = run(&["connect", "localhost", &port, "--starttls", "smtp"], b"").expect(5);
    assert!(done.stderr.contains("before it was asked"), "{}", done.stderr);
}

#[test]
fn a_server_that_hangs_up_before_it_answers_exits_with_6() {
    let server = kit::Server::start(|mut conn| async move { conn.write("220 hi\r\n").await });
    let port = server.port().to_string();
    run(&["connect", "localhost", &port, "--starttls", "smtp"], b"").expect(6);
}

#[test]
fn clear_text_behind_the_go_ahead_exits_with_4_and_is_not_shown() {
    let (_, ca, _) = trusted("injected");
    let (server, rest) = scripted(&["<+OK hi", ">STLS", "<+OK go\r\n+OK injected"]);
    let port = server.port().to_string();
    let arguments = ["connect", "localhost", &port, "--starttls", "pop3", "--ca", &ca];
    let done = run(&arguments, b"secret").expect(4);
    assert_eq!(done.stdout, b"");
    assert!(done.stderr.contains("clear-text bytes lay unread"), "{}", done.stderr);
    assert_eq!(rest.recv().expect("the script reports"), b"", "not even a ClientHello");
    server.finish();
}

#[test]
fn what_the_server_says_cannot_reach_the_terminal() {
    let (server, _) = scripted(&["<554 \u{1b}[2J\u{7}gone"]);
    let port = server.port().to_string();
    let done = run(&["connect", "localhost", &port, "-v", "--starttls", "smtp"], b"").expect(5);
    assert!(!done.stderr.contains(['\u{1b}', '\u{7}']), "{:?}", done.stderr);
    assert!(done.stderr.contains(r"\u{1b}[2J\u{7}gone"), "{:?}", done.stderr);
}

#[test]
fn a_line_with_another_line_hidden_in_it_is_refused() {
    let (server, _) = scripted(&["<+OK hi\n+OK go"]);
    let port = server.port().to_string();
    run(&["connect", "localhost", &port, "--starttls", "pop3"], b"").expect(5);
}

#[test]
fn a_sink_hears_nothing_at_all_when_the_options_are_wrong() {
    let (server, received): (Server, Received) = kit::sink();
    let bad = file("not_a_ca.pem", "this is no certificate");
    let port = server.port().to_string();
    let arguments = ["connect", "localhost", &port, "--starttls", "smtp", "--ca", &bad];
    run(&arguments, b"secret").expect(2);
    assert_eq!(server.connections(), 0);
    drop((server, received));
}
