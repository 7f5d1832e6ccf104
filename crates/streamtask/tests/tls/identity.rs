//! Who we are: certificates from the configuration and from the delegate, and what servers make of them.

use std::sync::Arc;

use streamtask::{
    AuthenticationMethod, Challenge, Credential, DelegateQueue, Error, ErrorKind, Identity,
    Session, SessionDelegate, StreamTask,
};
use streamtask_testkit::{Authority, Certificate, Server, TlsSettings, Version};

use crate::support::{SOON, VERSIONS, configuration, in_time, settings, task};

/// Says whether it got a certificate.
fn server(settings: &TlsSettings) -> Server {
    let settings = settings.clone();
    Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            if conn.start_tls(&settings).await.is_ok() {
                let known = conn.client_certificate().is_some();
                conn.write(if known { "known" } else { "nobody" }).await?;
                conn.half_close().await?;
                conn.wait_closed().await?;
            }
            Ok(())
        }
    })
}

fn identity(certificate: &Certificate) -> Identity {
    Identity::from_pem(certificate.chain_pem(), certificate.key_pem()).expect("a pair that fits")
}

/// What the server says, or why there is no saying.
async fn heard(task: &StreamTask) -> Result<String, Error> {
    in_time(task.start_secure_connection()).await?;
    let heard = in_time(task.read_data(1..=10, SOON)).await?;
    Ok(String::from_utf8_lossy(&heard.data).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configured_identity_is_shown_to_a_server_that_asks() {
    let authority = Authority::new();
    for version in VERSIONS {
        let server = server(&settings(&authority, version).require_client(&authority));
        let configuration =
            configuration(&authority).identity(identity(&authority.issue_client("me")));
        let session = Session::new(configuration).expect("a session");
        let task = task(&session, server.port());
        assert_eq!(heard(&task).await.expect("TLS"), "known", "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_requires_a_certificate_and_gets_none_says_so() {
    let authority = Authority::new();
    let server = server(&settings(&authority, Version::Tls13).require_client(&authority));
    let session = Session::new(configuration(&authority)).expect("a session");
    let error = heard(&task(&session, server.port())).await.expect_err("refused");
    assert_eq!((error.kind(), error.code()), (ErrorKind::ClientCertificateRequired, -1206));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_the_server_does_not_trust_is_refused() {
    let authority = Authority::new();
    let stranger = Authority::new();
    for version in VERSIONS {
        let server = server(&settings(&authority, version).require_client(&authority));
        let configuration =
            configuration(&authority).identity(identity(&stranger.issue_client("me")));
        let session = Session::new(configuration).expect("a session");
        let error = heard(&task(&session, server.port())).await.expect_err("refused");
        let expected = (ErrorKind::ClientCertificateRejected, -1205);
        assert_eq!((error.kind(), error.code()), expected, "{version:?}");
    }
}

#[test]
fn a_key_that_does_not_fit_makes_no_identity() {
    let (one, other) = (Authority::new().issue_client("a"), Authority::new().issue_client("b"));
    let error = Identity::from_pem(one.chain_pem(), other.key_pem()).expect_err("they differ");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(Identity::from_pem("", one.key_pem()).is_err());
    assert!(Identity::from_pem(one.chain_pem(), "no key").is_err());
}

// openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem
// openssl pkcs8 -topk8 -in key.pem -passout pass:x -out modern.pem
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgS1W+bMw0NXQICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEMHsHJrD47bIQEgz7yLxQ3cEgZCG
zrlaWoybz/3G1kPnZIy0PvC/6vd/YPsqYAbc/mMx5Zap0iMrx7KtRiRBYwEbaZ1w
U6uTP9jR/SIzvWh7LftXzFPS1p6BJQVwbR1w0UjxUQ7Mjg9yEXUbRb8qdnAUxAYO
Jl6v/ZMbxx9ghXe1rZuLW8fcYd0vtrXRuRvhziBR5smCDyoH8kqscb0mSFrKVlU=
-----END ENCRYPTED PRIVATE KEY-----
";

// openssl ec -in key.pem -aes128 -passout pass:x -out old.pem
const ENCRYPTED_LONG_AGO: &str = "-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,30A27C0D42A4C3A894F899E77D0652A1

GHfScw3Z93nI5vXF4yZJV7kDtnVUt0OkW+B0ph7J1WEVG5m+3zHQOLyaIJxNfDMz
Xi3xK4F13isiYMI+yFJWZAkQmYA17/jqzlnE2LM67iiPiM+Sb15FU/nz5ekAkyLS
FobHCXScXsbXVny9BmzUW8M8s/1ahhL5xdbwX7sfCTk=
-----END EC PRIVATE KEY-----
";

#[test]
fn an_encrypted_key_is_called_so_and_the_error_says_how_to_decrypt_it() {
    let chain = Authority::new().issue_client("me").chain_pem();
    let on_windows = ENCRYPTED_LONG_AGO.replace('\n', "\r\n");
    let with_chain = format!("{chain}{ENCRYPTED}");
    for key in [ENCRYPTED, ENCRYPTED_LONG_AGO, &on_windows, &with_chain] {
        let error = Identity::from_pem(&chain, key).expect_err("it cannot be read");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let words = error.to_string();
        assert!(words.contains("the private key is encrypted"), "{words}");
        assert!(words.contains("openssl pkey"), "{words}");
    }
    let error = Identity::from_pem(&chain, &chain).expect_err("there is none");
    assert!(error.to_string().contains("no private key"), "{error}");
}

/// Answers the question of identity as told, and that of trust by default.
struct Wallet(Arc<Choice>);

/// What to do about a question, given the issuers that the server accepts.
type Choice = dyn Fn(Challenge, &[Vec<u8>]) + Send + Sync;

impl SessionDelegate for Wallet {
    fn did_receive_challenge(&self, _: &Session, challenge: Challenge) -> Option<Challenge> {
        match challenge.protection_space().method.clone() {
            AuthenticationMethod::ClientCertificate { distinguished_names, .. } => {
                (self.0)(challenge, &distinguished_names);
                None
            }
            _ => Some(challenge),
        }
    }
}

fn with_wallet(
    authority: &Authority,
    answer: impl Fn(Challenge, &[Vec<u8>]) + Send + Sync + 'static,
) -> Session {
    let delegate = Wallet(Arc::new(answer));
    Session::with_delegate(configuration(authority), delegate, DelegateQueue::serial())
        .expect("a session")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_delegate_chooses_a_certificate_or_none_or_gives_up() {
    let authority = Authority::new();
    for version in VERSIONS {
        let server = server(&settings(&authority, version).request_client(&authority));
        let mine = identity(&authority.issue_client("me"));
        let showing = with_wallet(&authority, move |challenge, issuers| {
            assert!(!issuers.is_empty(), "the server names whom it trusts");
            challenge.use_credential(Credential::Identity(mine.clone()));
        });
        assert_eq!(heard(&task(&showing, server.port())).await.expect("TLS"), "known");
        let hiding = with_wallet(&authority, |challenge, _| challenge.reject_protection_space());
        assert_eq!(heard(&task(&hiding, server.port())).await.expect("TLS"), "nobody");
        let leaving = with_wallet(&authority, |challenge, _| challenge.cancel());
        let error = heard(&task(&leaving, server.port())).await.expect_err("given up");
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{version:?}");
    }
}
