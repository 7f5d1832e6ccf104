//! Bad certificates behind the doors of mail and databases: asked once, refused by default.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use streamtask::{Challenge, DelegateQueue, ErrorKind, Session, SessionDelegate, StreamTask};
use streamtask_testkit::{Authority, Certificate, Server, TlsSettings};

use crate::support::{SOON, configuration, in_time, task};

/// What is said, and answered, to start TLS.
const DOORS: [(&[u8], &[u8]); 3] = [
    (b"STARTTLS\r\n", b"220 go ahead\r\n"),
    (b"a1 STARTTLS\r\n", b"a1 OK begin\r\n"),
    (&[0, 0, 0, 8, 4, 210, 22, 47], b"S"),
];

#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

impl SessionDelegate for Counter {
    fn task_did_receive_challenge(
        &self,
        _: &Session,
        _: &StreamTask,
        challenge: Challenge,
    ) -> Option<Challenge> {
        assert!(challenge.server_trust().is_some_and(|trust| trust.evaluation.is_err()));
        self.0.fetch_add(1, Ordering::Relaxed);
        Some(challenge)
    }
}

fn server(question: &'static [u8], answer: &'static [u8], certificate: &Certificate) -> Server {
    let settings = TlsSettings::new(certificate);
    Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            assert_eq!(conn.read_exact(question.len()).await?, question);
            conn.write(answer).await?;
            let alert = conn.start_tls(&settings).await.expect_err("refused").to_string();
            assert!(alert.contains("received fatal alert"), "{alert}");
            Ok(())
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_certificate_is_asked_about_once_and_refused_by_default() {
    let authority = Authority::new();
    for (question, answer) in DOORS {
        for (certificate, kind) in [
            (authority.issue_expired(&["localhost"]), ErrorKind::CertificateExpired),
            (authority.issue(&["elsewhere.test"]), ErrorKind::CertificateUntrusted),
            (Certificate::self_signed(&["localhost"]), ErrorKind::CertificateUnknownRoot),
        ] {
            let server = server(question, answer, &certificate);
            let counter = Counter::default();
            let session = Session::with_delegate(
                configuration(&authority),
                counter.clone(),
                DelegateQueue::serial(),
            )
            .expect("a session");
            let task = task(&session, server.port());
            in_time(task.write(question, SOON)).await.expect("written");
            let heard = in_time(task.read_exact(answer.len(), SOON)).await.expect("an answer");
            assert_eq!(heard.data, answer);
            let start = task.start_secure_connection();
            let password = task.write("password", SOON);
            assert_eq!(in_time(start).await.expect_err("refused").kind(), kind);
            assert_eq!(in_time(password).await.expect_err("refused").kind(), kind);
            assert_eq!(counter.0.load(Ordering::Relaxed), 1);
            tokio::task::spawn_blocking(move || server.finish()).await.expect("content");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_does_not_know_a_certificate_made_on_the_spot() {
    let authority = Authority::new();
    let settings = TlsSettings::new(&authority.issue(&["localhost"]));
    let server = streamtask_testkit::echo_tls(settings);
    let task = task(&Session::shared(), server.port());
    let error = in_time(task.start_secure_connection()).await.expect_err("refused");
    let unknown = [ErrorKind::CertificateUnknownRoot, ErrorKind::CertificateUntrusted];
    assert!(unknown.contains(&error.kind()), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn extra_roots_are_trusted_beside_the_platforms() {
    let authority = Authority::new();
    let settings = TlsSettings::new(&authority.issue(&["localhost"]));
    let server = streamtask_testkit::echo_tls(settings);
    let roots = streamtask::Roots::Extra(vec![authority.der()]);
    let session = Session::new(streamtask::Configuration::default().roots(roots));
    let task = task(&session.expect("a session"), server.port());
    in_time(task.start_secure_connection()).await.expect("trusted");
}
