//! The examples, against servers of the testkit.

use std::sync::mpsc;

use streamtask::{Configuration, ErrorKind, Session, Sha256};
use streamtask_testkit::{Authority, Certificate, Conn, Server, TlsSettings, Version, echo};

use crate::support::{in_time, session, settings, task};

#[path = "../../examples/ccc.rs"]
#[allow(dead_code, unreachable_pub)]
mod ccc;
#[path = "../../examples/chat.rs"]
#[allow(dead_code, unreachable_pub)]
mod chat;
#[path = "../../examples/hyper.rs"]
#[allow(dead_code, unreachable_pub)]
mod hyper_client;
#[path = "../../examples/pinned.rs"]
#[allow(dead_code, unreachable_pub)]
mod pinned;
#[path = "../../examples/proxied.rs"]
#[allow(dead_code, unreachable_pub)]
mod proxied;
#[path = "../../examples/starttls.rs"]
#[allow(dead_code, unreachable_pub)]
mod starttls;

/// A server that says `greeting`, and then answers each line as the script has it. `TLS` and `CLEAR` as
/// answers switch.
pub(crate) fn scripted(
    settings: &TlsSettings,
    greeting: &'static str,
    script: &'static [(&'static str, &'static str)],
) -> Server {
    let settings = settings.clone();
    Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            // In two segments: who takes a read for a line fails here.
            let (first, second) = greeting.split_at(greeting.len() / 2);
            conn.write(first).await?;
            tokio::task::yield_now().await;
            conn.write(second).await?;
            for (line, answer) in script {
                assert_eq!(conn.read_line().await?, *line);
                conn.write(answer.trim_start_matches("TLS ").trim_start_matches("CLEAR ")).await?;
                if answer.starts_with("TLS ") {
                    conn.start_tls(&settings).await?;
                }
                if answer.starts_with("CLEAR ") {
                    clear(&mut conn).await?;
                }
            }
            conn.wait_closed().await.map(drop)
        }
    })
}

async fn clear(conn: &mut Conn) -> std::io::Result<()> {
    conn.send_close_notify().await?;
    conn.wait_close_notify().await?;
    conn.end_tls();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn starttls_asks_under_tls_and_goes_no_further_when_it_is_refused() {
    let authority = Authority::new();
    let settings = settings(&authority, Version::Tls13);
    let server = scripted(
        &settings,
        "* OK ready\r\n",
        &[
            ("a1 STARTTLS", "TLS a1 OK begin\r\n"),
            ("a2 CAPABILITY", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\na2 OK done\r\n"),
        ],
    );
    let connected = task(&session(&authority), server.port());
    let capabilities = in_time(starttls::capabilities(&connected)).await.expect("they are told");
    assert_eq!(capabilities, ["* CAPABILITY IMAP4rev1 AUTH=PLAIN"]);

    let server = scripted(&settings, "* OK ready\r\n", &[("a1 STARTTLS", "a1 NO not here\r\n")]);
    let connected = task(&session(&authority), server.port());
    let error = in_time(starttls::capabilities(&connected)).await.expect_err("it is refused");
    assert_eq!(error.detail(), Some("STARTTLS was refused: NO not here"));
    assert!(!connected.is_secure() && connected.tls_info().is_none());
}

/// A server with two mails.
pub(crate) fn mailbox(certificate: &Certificate) -> Server {
    let settings = TlsSettings::new(certificate);
    Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            if conn.start_tls(&settings).await.is_err() {
                return Ok(());
            }
            conn.write("+OK ready\r\n").await?;
            for line in ["USER me", "PASS secret", "STAT", "QUIT"] {
                assert_eq!(conn.read_line().await?, line);
            }
            conn.write("+OK\r\n+OK logged in\r\n+OK 2 320\r\n+OK bye\r\n").await?;
            conn.half_close().await?;
            conn.wait_closed().await.map(drop)
        }
    })
}

#[test]
fn pinned_counts_mails_and_tells_them_to_nobody_else() {
    let certificate = Certificate::self_signed(&["somewhere.test"]);
    let server = mailbox(&certificate);
    let right = Sha256::of(&certificate.chain()[0]).to_string();
    let session = pinned::session(&right).expect("a session");
    let task = session.connect("127.0.0.1", server.port()).expect("a task");
    assert_eq!(pinned::count(&task, "me", "secret").expect("they are counted"), (2, 320));

    let session = pinned::session(&Sha256::of(b"another").to_string()).expect("a session");
    let task = session.connect("127.0.0.1", server.port()).expect("a task");
    let error = pinned::count(&task, "me", "secret").expect_err("that is somebody else");
    assert_eq!(error.kind(), ErrorKind::CertificateUntrusted);
}

#[test]
fn proxied_hears_the_greeting_that_came_with_the_proxys_answer() {
    let proxy = Server::start(|mut conn| async move {
        assert_eq!(conn.read_line().await?, "CONNECT mail.test:25 HTTP/1.1");
        while !conn.read_line().await?.is_empty() {}
        conn.write("HTTP/1.1 200 OK\r\n\r\n220 mail.test ready\r\n").await?;
        conn.wait_closed().await.map(drop)
    });
    let place = format!("http://127.0.0.1:{}", proxy.port());
    let session = proxied::session(vec![place.parse().expect("a proxy")]).expect("a session");
    let task = session.connect("mail.test", 25).expect("a task");
    assert_eq!(proxied::greeting(&task).expect("it greets"), "220 mail.test ready");
    let way = proxied::way(&task);
    assert!(way.len() == 1 && way[0].starts_with(&place["http://".len()..]), "{way:?}");
}

#[test]
fn chat_hears_every_line_and_ends_with_the_peer() {
    let server = echo();
    let session = Session::new(Configuration::default()).expect("a session");
    let task = session.connect("127.0.0.1", server.port()).expect("a task");
    let (sender, heard) = mpsc::channel();
    chat::hear(&task, move |line| sender.send(line.to_owned()).expect("the test listens"));
    for line in ["hello\n", "how are you?\n"] {
        task.write(line, None).detach();
    }
    task.close_write();
    assert_eq!(heard.iter().collect::<Vec<_>>(), ["hello", "how are you?"]);
    session.finished().wait();
}

#[tokio::test(flavor = "multi_thread")]
async fn ccc_goes_on_in_clear_text_on_the_same_socket() {
    let authority = Authority::new();
    let server = scripted(
        &settings(&authority, Version::Tls12),
        "220-welcome\r\n220 ready\r\n",
        &[
            ("AUTH TLS", "TLS 234 go ahead\r\n"),
            ("USER me", "331 and?\r\n"),
            ("PASS secret", "230 logged in\r\n"),
            ("CCC", "CLEAR 200 clear\r\n"),
            ("PWD", "257 \"/\" is where you are\r\n"),
        ],
    );
    let task = task(&session(&authority), server.port());
    let answer = in_time(ccc::working_directory(&task, "me", "secret")).await.expect("an answer");
    assert_eq!(answer, "257 \"/\" is where you are");
    assert!(!task.is_secure());
}

#[tokio::test(flavor = "multi_thread")]
async fn hyper_speaks_over_the_streams_of_a_task() {
    let authority = Authority::new();
    let settings = settings(&authority, Version::Tls13);
    let server = Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            conn.start_tls(&settings).await?;
            while !conn.read_line().await?.is_empty() {}
            conn.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await?;
            conn.half_close().await?;
            conn.wait_closed().await.map(drop)
        }
    });
    let task = task(&session(&authority), server.port());
    in_time(task.start_secure_connection()).await.expect("TLS");
    let body = in_time(hyper_client::get(&task, "localhost", "/")).await.expect("a body");
    assert_eq!(body, "hello");
}
