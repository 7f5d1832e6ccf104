//! What the examples would be on tokio and tokio-rustls: programs that do the same, tried against the same
//! servers, and longer.

use std::sync::{Arc, mpsc};

use rustls::{ClientConfig, RootCertStore};
use streamtask::Sha256;
use streamtask_testkit::{Authority, Certificate, Version, echo};

use crate::examples::{mailbox, scripted};
use crate::support::{in_time, settings};

#[path = "counterparts/chat.rs"]
#[allow(dead_code, unreachable_pub)]
mod chat;
#[path = "counterparts/pinned.rs"]
#[allow(dead_code, unreachable_pub)]
mod pinned;
#[path = "counterparts/starttls.rs"]
#[allow(dead_code, unreachable_pub)]
mod starttls;

#[tokio::test(flavor = "multi_thread")]
async fn starttls_does_the_same() {
    let authority = Authority::new();
    let script = &[
        ("a1 STARTTLS", "TLS a1 OK begin\r\n"),
        ("a2 CAPABILITY", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\na2 OK done\r\n"),
        ("a3 LOGOUT", "* BYE\r\na3 OK\r\n"),
    ];
    let server = scripted(&settings(&authority, Version::Tls13), "* OK ready\r\n", script);
    let mut roots = RootCertStore::empty();
    roots.add(authority.der()).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let told = starttls::capabilities("localhost", server.port(), Arc::new(config));
    let capabilities = in_time(told).await.expect("they are told");
    assert_eq!(capabilities, ["* CAPABILITY IMAP4rev1 AUTH=PLAIN"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pinned_does_the_same() {
    let certificate = Certificate::self_signed(&["somewhere.test"]);
    let server = mailbox(&certificate);
    let config = pinned::config(&Sha256::of(&certificate.chain()[0]).to_string()).expect("one");
    let counted = pinned::count(("127.0.0.1", server.port()), config, "me", "secret");
    assert_eq!(in_time(counted).await.expect("they are counted"), (2, 320));
    let config = pinned::config(&Sha256::of(b"another").to_string()).expect("one");
    let counted = pinned::count(("127.0.0.1", server.port()), config, "me", "secret");
    let error = in_time(counted).await.expect_err("that is somebody else");
    let refused = rustls::CertificateError::ApplicationVerificationFailure.into();
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    assert_eq!(cause, Some(&refused), "{error}");
}

#[test]
fn chat_does_the_same() {
    let server = echo();
    let (sender, heard) = mpsc::channel();
    let hears = move |line: &str| sender.send(line.to_owned()).expect("the test listens");
    let (says, tasks) = chat::chat("127.0.0.1", server.port(), hears).expect("it connects");
    for line in ["hello\n", "how are you?\n"] {
        says.send(line.to_owned()).expect("it is open");
    }
    drop(says);
    let next = || heard.recv_timeout(std::time::Duration::from_secs(20));
    assert_eq!([next(), next()], [Ok("hello".into()), Ok("how are you?".into())]);
    assert_eq!(next(), Err(mpsc::RecvTimeoutError::Disconnected), "it ends with the peer");
    chat::finish(tasks).expect("nothing panics");
}

/// The lines of a program that are neither empty nor a comment.
fn lines(program: &str) -> usize {
    let is_code = |line: &&str| !line.is_empty() && !line.starts_with("//");
    program.lines().map(str::trim).filter(is_code).count()
}

#[test]
fn each_example_says_how_many_lines_its_counterpart_has_and_has_fewer() {
    let pairs = [
        (include_str!("../../examples/chat.rs"), include_str!("counterparts/chat.rs")),
        (include_str!("../../examples/pinned.rs"), include_str!("counterparts/pinned.rs")),
        (include_str!("../../examples/starttls.rs"), include_str!("counterparts/starttls.rs")),
    ];
    for (example, counterpart) in pairs {
        let (ours, theirs) = (lines(example), lines(counterpart));
        assert!(ours < theirs, "{ours} and {theirs}");
        let said = format!("//! {ours} lines; on tokio and tokio-rustls {theirs}.");
        assert!(example.contains(&said), "it should say: {said}");
    }
}
