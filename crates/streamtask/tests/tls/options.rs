//! What a session and a single start may choose: when, names, protocols, versions, the key log.

use streamtask::{ErrorKind, SecureOptions, Session, TlsVersion};
use streamtask_testkit::{Authority, Server, TlsSettings, Version};

use crate::support::{SOON, VERSIONS, configuration, in_time, number, session, settings, task};

/// Tells the name and the protocol that the client asked for.
fn telling(settings: &TlsSettings) -> Server {
    let settings = settings.clone();
    Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            if conn.start_tls(&settings).await.is_err() {
                return Ok(());
            }
            let name = conn.server_name().unwrap_or_default();
            let protocol = conn.alpn().unwrap_or_default();
            conn.write(format!("{name} {}\n", String::from_utf8_lossy(&protocol))).await?;
            conn.read_to_end().await.map(drop)
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_from_the_first_byte_is_a_start_before_resume() {
    let authority = Authority::new();
    for version in VERSIONS {
        let server = streamtask_testkit::echo_tls(settings(&authority, version));
        let session = session(&authority);
        let task = session.stream_task("localhost", server.port()).expect("an endpoint");
        let start = task.start_secure_connection();
        let writes: Vec<_> = (0..10).map(|_| task.write("ping", SOON)).collect();
        let read = task.read_exact(40, SOON);
        task.resume();
        assert_eq!(in_time(start).await.expect("TLS").version(), number(version));
        for write in writes {
            in_time(write).await.expect("written");
        }
        assert_eq!(in_time(read).await.expect("an echo").data, "ping".repeat(10));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_changes_nothing() {
    let authority = Authority::new();
    let server = streamtask_testkit::echo_tls(settings(&authority, Version::Tls13));
    let task = task(&session(&authority), server.port());
    in_time(task.start_secure_connection()).await.expect("TLS");
    in_time(task.start_secure_connection()).await.expect("still TLS");
    in_time(task.write("ping", SOON)).await.expect("written");
    assert_eq!(in_time(task.read_exact(4, SOON)).await.expect("an echo").data, "ping");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_is_asked_for_unless_a_start_names_another() {
    let authority = Authority::new();
    let settings = TlsSettings::new(&authority.issue(&["localhost", "other.test"])).alpn(&["imap"]);
    let server = telling(&settings);
    let options = SecureOptions::default();
    for (options, expected) in [
        (options.clone(), "localhost \n"),
        (options.clone().server_name("other.test"), "other.test \n"),
        (options.alpn(["pop3", "imap"]), "localhost imap\n"),
    ] {
        let task = task(&session(&authority), server.port());
        let info = in_time(task.start_secure_connection_with(options)).await.expect("TLS");
        let told = in_time(task.read_until("\n", 100, SOON)).await.expect("a line");
        assert_eq!(told.data, expected);
        assert_eq!(info.alpn().is_some(), expected.contains("imap"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_outside_the_configured_ones_are_not_spoken() {
    let authority = Authority::new();
    let old = telling(&settings(&authority, Version::Tls12));
    let new = telling(&settings(&authority, Version::Tls13));
    let only_new = configuration(&authority).tls_minimum(TlsVersion::Tls13);
    let only_old = configuration(&authority).tls_maximum(TlsVersion::Tls12);
    for (configuration, server) in [(only_new, &old), (only_old, &new)] {
        let session = Session::new(configuration).expect("a session");
        let task = task(&session, server.port());
        let error = in_time(task.start_secure_connection()).await.expect_err("no version");
        assert_eq!(error.kind(), ErrorKind::SecureConnectionFailed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_log_gets_the_secrets() {
    let authority = Authority::new();
    let folder = std::env::temp_dir().join(format!("streamtask-keys-{}", std::process::id()));
    let server = telling(&settings(&authority, Version::Tls13));
    let session = Session::new(configuration(&authority).key_log(&folder)).expect("a session");
    let task = task(&session, server.port());
    in_time(task.start_secure_connection()).await.expect("TLS");
    let log = std::fs::read_to_string(&folder).expect("a log");
    std::fs::remove_file(&folder).expect("it can be removed");
    assert!(log.contains("CLIENT_TRAFFIC_SECRET_0 "), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_point_binding_is_the_hash_of_the_leaf() {
    let authority = Authority::new();
    let server = telling(&settings(&authority, Version::Tls13));
    let task = task(&session(&authority), server.port());
    let info = in_time(task.start_secure_connection()).await.expect("TLS");
    let binding = info.tls_server_end_point().expect("an ECDSA certificate has one");
    let suite = rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let hash = suite.tls13().expect("of TLS 1.3").common.hash_provider;
    assert_eq!(binding, hash.hash(&info.peer_certificates()[0]).as_ref());
}
