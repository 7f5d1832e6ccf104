//! Servers known by what they show, and by nothing else.

use streamtask::{Configuration, ErrorKind, Fault, Pin, Session, Sha256};
use streamtask_testkit::{Certificate, Server, TlsSettings};

use crate::support::{SOON, VERSIONS, in_time, task};

fn pinned(pins: &[Pin]) -> Session {
    let configuration = pins.iter().fold(Configuration::default(), |all, pin| all.pin(*pin));
    Session::new(configuration).expect("a session")
}

/// A server that everybody else would refuse: of no authority, and under another name.
fn stranger() -> Certificate {
    Certificate::self_signed(&["elsewhere.test"])
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_what_is_pinned_is_trusted_whatever_its_name_and_issuer() {
    for version in VERSIONS {
        let certificate = stranger();
        let leaf = &certificate.chain()[0];
        let of_key = Sha256::of_public_key(leaf).expect("it has a key");
        let settings = TlsSettings::new(&certificate).version(version);
        let server = Server::start(move |mut conn| {
            let settings = settings.clone();
            async move {
                conn.start_tls(&settings).await?;
                conn.write("hello").await?;
                conn.wait_closed().await.map(drop)
            }
        });
        let other = Pin::Certificate(Sha256::of(b"somebody else's"));
        for pins in
            [&[Pin::Certificate(Sha256::of(leaf))][..], &[other, Pin::PublicKey(of_key)][..]]
        {
            let task = task(&pinned(pins), server.port());
            in_time(task.start_secure_connection()).await.expect("it is pinned");
            assert_eq!(in_time(task.read_exact(5, SOON)).await.expect("bytes").data, "hello");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_trusted_and_the_error_says_what_was_shown() {
    for version in VERSIONS {
        let certificate = stranger();
        let shown = Sha256::of(&certificate.chain()[0]);
        let settings = TlsSettings::new(&certificate).version(version);
        let server = Server::start(move |mut conn| {
            let settings = settings.clone();
            async move {
                let alert = conn.start_tls(&settings).await.expect_err("refused").to_string();
                assert!(alert.contains("received fatal alert"), "{alert}");
                Ok(())
            }
        });
        let session = pinned(&[Pin::Certificate(Sha256::of(b"somebody else's"))]);
        let task = task(&session, server.port());
        let error = in_time(task.start_secure_connection()).await.expect_err("it is not pinned");
        assert_eq!((error.kind(), error.fault()), (ErrorKind::CertificateUntrusted, Fault::Trust));
        let said = format!("it is none of those pinned; its SHA-256 is {shown}");
        assert_eq!(error.detail(), Some(&*said));
        tokio::task::spawn_blocking(move || server.finish()).await.expect("content");
    }
}
