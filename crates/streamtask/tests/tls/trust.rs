//! Trust is asked asynchronously, and until the answer nothing leaves but the ClientHello.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use streamtask::{
    Challenge, Credential, DelegateQueue, ErrorKind, EventKind, Fault, Session, SessionDelegate,
    StreamTask,
};
use streamtask_testkit::{Authority, Certificate, Server, TlsSettings};

use crate::support::{SOON, VERSIONS, configuration, in_time, number, session, settings, task};

/// Hands every challenge over to the test.
struct Forward(Sender<Challenge>);

impl SessionDelegate for Forward {
    fn task_did_receive_challenge(
        &self,
        _: &Session,
        _: &StreamTask,
        challenge: Challenge,
    ) -> Option<Challenge> {
        self.0.send(challenge).expect("the test listens");
        None
    }
}

fn asking(authority: &Authority) -> (Session, Receiver<Challenge>) {
    let (sender, receiver) = channel();
    let delegate = Forward(sender);
    let session =
        Session::with_delegate(configuration(authority), delegate, DelegateQueue::serial());
    (session.expect("a session"), receiver)
}

async fn next(challenges: Receiver<Challenge>) -> (Challenge, Receiver<Challenge>) {
    let wait = move || (challenges.recv_timeout(SOON).expect("a question"), challenges);
    tokio::task::spawn_blocking(wait).await.expect("the wait ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn until_the_answer_nothing_leaves_but_the_client_hello() {
    for version in VERSIONS {
        let authority = Authority::new();
        let stranger = Certificate::self_signed(&["localhost"]);
        let settings = TlsSettings::new(&stranger).version(version).request_client(&authority);
        let (asked, answered) = tokio::sync::oneshot::channel::<()>();
        let gate = Arc::new(std::sync::Mutex::new(Some(answered)));
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (seen_by_server, gate_of_server) = (seen.clone(), gate.clone());
        let server = Server::start(move |mut conn| {
            let (settings, seen) = (settings.clone(), seen_by_server.clone());
            let gate = gate_of_server.lock().expect("nobody panicked").take();
            async move {
                let secured = conn.start_tls(&settings).await;
                // The handshake cannot end before the answer: it needs the client's Finished.
                let was_answered = gate.is_some_and(|mut gate| gate.try_recv().is_ok());
                seen.lock().expect("nobody panicked").push(was_answered);
                secured?;
                assert_eq!(conn.read_exact(6).await?, b"secret");
                conn.write("ok").await
            }
        });
        let (session, challenges) = asking(&authority);
        let task = task(&session, server.port());
        let start = task.start_secure_connection();
        let write = task.write("secret", SOON);
        // TLS asks who we are before it shows who the server is.
        let (identity, challenges) = in_time(next(challenges)).await;
        assert!(identity.server_trust().is_none(), "the server wants to know who we are");
        identity.reject_protection_space();
        let (challenge, _challenges) = in_time(next(challenges)).await;
        let trust = challenge.server_trust().expect("a question of trust");
        assert_eq!(trust.certificates[0], stranger.chain()[0]);
        assert!(trust.evaluation.is_err(), "default handling would refuse");
        assert!(!task.is_secure() && task.tls_info().is_none());
        asked.send(()).expect("the server still waits");
        challenge.use_credential(Credential::Trust);
        let info = in_time(start).await.expect("trusted");
        assert_eq!(info.version(), number(version));
        in_time(write).await.expect("written");
        assert_eq!(&in_time(task.read_exact(2, SOON)).await.expect("an answer").data[..], b"ok");
        assert_eq!(*seen.lock().expect("nobody panicked"), [true]);
    }
}

/// What is done with a challenge, and what the task then says.
type Answered = (fn(Challenge), ErrorKind, &'static str);

fn fault(kind: ErrorKind) -> Fault {
    match kind {
        ErrorKind::ServerRejected => Fault::Trust,
        _ => Fault::Cancelled,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_server_gets_an_alert_and_a_dropped_question_cancels() {
    for version in VERSIONS {
        let authority = Authority::new();
        let alerts = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (heard, settings) = (alerts.clone(), settings(&authority, version));
        let server = Server::start(move |mut conn| {
            let (heard, settings) = (heard.clone(), settings.clone());
            async move {
                let error = conn.start_tls(&settings).await.expect_err("refused");
                heard.lock().expect("nobody panicked").push(error.to_string());
                Ok(())
            }
        });
        let answers: [Answered; 4] = [
            (
                Challenge::reject_protection_space,
                ErrorKind::ServerRejected,
                "the delegate refused the server",
            ),
            (
                |challenge| challenge.reject("it was paired with another"),
                ErrorKind::ServerRejected,
                "the delegate refused the server (it was paired with another)",
            ),
            (Challenge::cancel, ErrorKind::Cancelled, "cancelled"),
            (
                drop::<Challenge>,
                ErrorKind::Cancelled,
                "cancelled (a challenge was dropped unanswered)",
            ),
        ];
        for (answer, kind, said) in answers {
            let (session, challenges) = asking(&authority);
            let task = task(&session, server.port());
            let mut events = task.events();
            let start = task.start_secure_connection();
            let (challenge, _challenges) = in_time(next(challenges)).await;
            answer(challenge);
            assert_eq!(in_time(start).await.expect_err("refused").kind(), kind);
            let error = in_time(task.completion()).await.expect_err("over");
            assert_eq!((error.kind(), error.fault()), (kind, fault(kind)));
            let endpoint = format!("localhost:{}", server.port());
            assert_eq!(format!("{error:?}"), format!("{endpoint}: {said}"));
            let mut told = Vec::new();
            while let Some(event) = in_time(events.next()).await {
                told.push(event.kind);
            }
            // Whoever cancels has ended it; whoever refuses has broken it off.
            let closes = told.iter().any(|event| matches!(event, EventKind::ReadClosed));
            assert_eq!(closes, kind != ErrorKind::Cancelled, "{told:?}");
        }
        tokio::task::spawn_blocking(move || server.finish()).await.expect("content");
        for alert in alerts.lock().expect("nobody panicked").iter() {
            assert!(alert.contains("alert"), "{alert}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_certificate_has_its_own_kind_and_number() {
    let authority = Authority::new();
    let other = Authority::new();
    let cases = [
        (
            authority.issue_expired(&["localhost"]),
            ErrorKind::CertificateExpired,
            -1201,
            "the server's certificate has expired (it was valid until 20",
        ),
        (
            authority.issue(&["elsewhere.test"]),
            ErrorKind::CertificateUntrusted,
            -1202,
            "the server's certificate is not trusted (it is for elsewhere.test, not for localhost)",
        ),
        (
            authority.issue(&["127.0.0.1", "elsewhere.test"]),
            ErrorKind::CertificateUntrusted,
            -1202,
            "the server's certificate is not trusted (it is for 127.0.0.1, elsewhere.test, not for localhost)",
        ),
        (
            other.issue(&["localhost"]),
            ErrorKind::CertificateUnknownRoot,
            -1203,
            "the server's certificate has an unknown root",
        ),
        (
            authority.issue_not_yet_valid(&["localhost"]),
            ErrorKind::CertificateNotYetValid,
            -1204,
            "the server's certificate is not valid yet (it is valid from 2200-01-01 00:00 UTC on)",
        ),
    ];
    for (certificate, kind, code, said) in cases {
        let settings = TlsSettings::new(&certificate);
        let server = Server::start(move |mut conn| {
            let settings = settings.clone();
            async move {
                let alert = conn.start_tls(&settings).await.expect_err("refused").to_string();
                assert!(alert.contains("received fatal alert"), "{alert}");
                Ok(())
            }
        });
        let session = session(&authority);
        let task = task(&session, server.port());
        let error = in_time(task.start_secure_connection()).await.expect_err("refused");
        assert_eq!((error.kind(), error.code()), (kind, code));
        let endpoint = format!("localhost:{}: ", server.port());
        let shown = format!("{error:?}");
        let words = shown.strip_prefix(&endpoint).expect("it says where");
        assert!(words.starts_with(said), "{words}");
        tokio::task::spawn_blocking(move || server.finish()).await.expect("content");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exporters_agree_with_the_servers() {
    for version in VERSIONS {
        let authority = Authority::new();
        let settings = settings(&authority, version);
        let server = Server::start(move |mut conn| {
            let settings = settings.clone();
            async move {
                conn.start_tls(&settings).await?;
                let binding = conn.exporter(b"EXPORTER-Channel-Binding", Some(b""), 32);
                conn.write(binding).await?;
                let other = conn.exporter(b"EXPORTER-other", Some(b"context"), 77);
                conn.write(other).await
            }
        });
        let task = task(&session(&authority), server.port());
        let info = in_time(task.start_secure_connection()).await.expect("TLS");
        let binding = in_time(task.read_exact(32, SOON)).await.expect("the server's");
        assert_eq!(info.tls_exporter().as_deref(), Some(&binding.data[..]), "{version:?}");
        let other = in_time(task.read_exact(77, SOON)).await.expect("the server's");
        let ours = info.export_keying_material(b"EXPORTER-other", Some(b"context"), 77);
        assert_eq!(ours.as_deref(), Some(&other.data[..]), "{version:?}");
    }
}
