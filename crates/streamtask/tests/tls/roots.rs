//! A server whose certificate is itself one of the roots that were named.

use streamtask::{Configuration, Error, ErrorKind, Roots, Session};
use streamtask_testkit::{Authority, Certificate, TlsSettings, Version};

use crate::support::{VERSIONS, in_time, task};

/// What becomes of a handshake with a server of this certificate.
async fn handshake(roots: Roots, certificate: &Certificate, version: Version) -> Result<(), Error> {
    let settings = TlsSettings::new(certificate).version(version);
    let server = streamtask_testkit::echo_tls(settings);
    let session = Session::new(Configuration::default().roots(roots)).expect("a session");
    in_time(task(&session, server.port()).start_secure_connection()).await.map(drop)
}

/// Both ways of naming a root.
fn naming(certificate: &Certificate) -> [Roots; 2] {
    [Roots::Only(certificate.chain()), Roots::Extra(certificate.chain())]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_was_named_is_trusted_whether_it_says_that_it_is_a_root_or_not() {
    let authority = Authority::new();
    for certificate in [
        Certificate::self_signed(&["localhost"]),
        Certificate::self_signed_root(&["localhost"]),
        // Not self-signed: its issuer is unknown, and it was named all the same.
        authority.issue(&["localhost"]),
    ] {
        for version in VERSIONS {
            for roots in naming(&certificate) {
                handshake(roots, &certificate, version).await.expect("it was named");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_was_named_still_has_its_name_and_its_dates() {
    for (certificate, kind) in [
        (Certificate::self_signed_root(&["elsewhere.test"]), ErrorKind::CertificateUntrusted),
        (Certificate::self_signed_root_expired(&["localhost"]), ErrorKind::CertificateExpired),
        (
            Certificate::self_signed_root_not_yet_valid(&["localhost"]),
            ErrorKind::CertificateNotYetValid,
        ),
    ] {
        for version in VERSIONS {
            for roots in naming(&certificate) {
                let error = handshake(roots, &certificate, version).await.expect_err("refused");
                assert_eq!(error.kind(), kind);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_like_one_that_was_named_is_another() {
    let named = Certificate::self_signed_root(&["localhost"]);
    let other = Certificate::self_signed_root(&["localhost"]);
    for roots in naming(&named) {
        let error = handshake(roots, &other, Version::Tls13).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::CertificateUntrusted);
    }
}
