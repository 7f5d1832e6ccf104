//! Certificates that webpki will not even read, trusted by somebody who may.

use streamtask::{
    Challenge, Credential, DelegateQueue, Error, ErrorKind, Session, SessionDelegate, StreamTask,
};
use streamtask_testkit::{Authority, Certificate, TlsSettings, Version};

use crate::support::{SOON, VERSIONS, configuration, in_time, task};

/// Trusts everybody, as `--insecure` does, if it is asked about somebody whom nobody else trusts.
struct Trusting;

impl SessionDelegate for Trusting {
    fn did_receive_challenge(&self, _: &Session, challenge: Challenge) -> Option<Challenge> {
        let trust = challenge.server_trust().expect("a question of trust");
        assert!(trust.evaluation.is_err(), "default handling would refuse");
        assert_eq!(trust.certificates.len(), 1);
        challenge.use_credential(Credential::Trust);
        None
    }
}

/// Looks, and leaves the answer to default handling.
struct Careful;

impl SessionDelegate for Careful {}

fn certificates() -> [(&'static str, Certificate); 4] {
    [
        ("version 1", Certificate::version_1()),
        ("version 1 with RSA", Certificate::version_1_rsa()),
        ("RSA of 1024 bits", Certificate::rsa_1024()),
        ("a critical extension", Certificate::with_unknown_critical_extension(&["localhost"])),
    ]
}

fn asking(delegate: impl SessionDelegate) -> Session {
    let configuration = configuration(&Authority::new());
    Session::with_delegate(configuration, delegate, DelegateQueue::serial()).expect("a session")
}

/// Starts TLS and has a word come back.
async fn talk(
    session: &Session,
    certificate: &Certificate,
    version: Version,
) -> Result<StreamTask, Error> {
    let settings = TlsSettings::new(certificate).version(version);
    let server = streamtask_testkit::echo_tls(settings);
    let task = task(session, server.port());
    let info = in_time(task.start_secure_connection()).await?;
    assert_eq!(info.peer_certificates(), certificate.chain());
    in_time(task.write("word", SOON)).await?;
    assert_eq!(&in_time(task.read_exact(4, SOON)).await?.data[..], b"word");
    Ok(task)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_trusts_a_certificate_that_cannot_be_read_gets_the_connection() {
    let session = asking(Trusting);
    for (what, certificate) in certificates() {
        for version in VERSIONS {
            talk(&session, &certificate, version)
                .await
                .unwrap_or_else(|error| panic!("{what}, {version:?}: {error:?}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_does() {
    let alone = Session::new(configuration(&Authority::new())).expect("a session");
    for session in [alone, asking(Careful)] {
        for (what, certificate) in certificates() {
            for version in VERSIONS {
                let error = talk(&session, &certificate, version).await.expect_err(what);
                let kinds = [ErrorKind::CertificateUntrusted, ErrorKind::CertificateUnknownRoot];
                assert!(kinds.contains(&error.kind()), "{what}: {error:?}");
            }
        }
    }
}
