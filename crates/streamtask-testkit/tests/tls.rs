//! The server's side of TLS, tried by a plain rustls client.

mod support;

use std::io::{self, Read, Write};
use std::sync::{Arc, mpsc};

use streamtask_testkit::{Authority, Certificate, Server, TlsSettings, Version, echo_tls};
use support::{Client, rest, trusting};

const BOTH: [Version; 2] = [Version::Tls12, Version::Tls13];

#[test]
fn echo_works_in_both_versions() {
    let authority = Authority::new();
    let config = Arc::new(trusting(&authority, None));
    for version in BOTH {
        let settings = TlsSettings::new(&authority.issue(&["localhost"])).version(version);
        let server = echo_tls(settings);
        let mut client = Client::secure(server.port(), &config).unwrap();
        let sent: Vec<u8> = (0..100_000u32).map(|i| i as u8).collect();
        client.write_all(&sent).unwrap();
        let mut back = vec![0; sent.len()];
        client.read_exact(&mut back).unwrap();
        assert_eq!(back, sent);
        client.tls().send_close_notify();
        let Client { socket, tls } = &mut client;
        tls.as_mut().unwrap().write_tls(socket).unwrap();
        assert_eq!(rest(client), b"");
        server.finish();
    }
}

#[test]
fn a_script_sees_what_was_agreed_on() {
    let authority = Authority::new();
    let own = authority.issue_client("alice");
    let mut config = trusting(&authority, Some(&own));
    config.alpn_protocols = vec![b"two".to_vec()];
    let config = Arc::new(config);
    for version in BOTH {
        let settings = TlsSettings::new(&authority.issue(&["localhost", "127.0.0.1"]))
            .version(version)
            .alpn(&["one", "two"])
            .require_client(&authority);
        let expected = own.chain().remove(0);
        let (exported, export) = mpsc::channel();
        let server = Server::start(move |mut conn| {
            let (settings, expected) = (settings.clone(), expected.clone());
            let exported = exported.clone();
            async move {
                assert_eq!(conn.version(), None);
                conn.start_tls(&settings).await?;
                assert_eq!(conn.version(), Some(version));
                assert_eq!(conn.alpn().as_deref(), Some(&b"two"[..]));
                assert_eq!(conn.server_name().as_deref(), Some("localhost"));
                assert_eq!(conn.client_certificate(), Some(expected));
                assert!(!conn.is_resumed());
                exported.send(conn.exporter(b"EXPORTER-test", None, 32)).unwrap();
                conn.wait_closed().await.map(drop)
            }
        });
        let mut client = Client::secure(server.port(), &config).unwrap();
        let key = client.tls().export_keying_material([0; 32], b"EXPORTER-test", None).unwrap();
        assert_eq!(export.recv().unwrap(), key);
        drop(client);
        server.finish();
    }
}

#[test]
fn a_second_connection_resumes() {
    let authority = Authority::new();
    for version in BOTH {
        let config = Arc::new(trusting(&authority, None));
        let settings = TlsSettings::new(&authority.issue(&["localhost"])).version(version);
        let server = Server::start(move |mut conn| {
            let settings = settings.clone();
            async move {
                conn.start_tls(&settings).await?;
                conn.write(if conn.is_resumed() { "resumed" } else { "anew" }).await?;
                conn.half_close().await?;
                conn.wait_closed().await.map(drop)
            }
        });
        assert_eq!(rest(Client::secure(server.port(), &config).unwrap()), b"anew");
        assert_eq!(rest(Client::secure(server.port(), &config).unwrap()), b"resumed");
        assert_eq!(rest(Client::secure(server.port(), &config).unwrap()), b"resumed");
        server.finish();
    }
}

#[test]
fn a_script_reads_the_alert_of_a_client_that_does_not_trust_it() {
    let authority = Authority::new();
    let config = Arc::new(trusting(&authority, None));
    let bad = [
        (Certificate::self_signed(&["localhost"]), "UnknownCA"),
        (Authority::new().issue(&["localhost"]), "UnknownCA"),
        (authority.issue_expired(&["localhost"]), "CertificateExpired"),
        (authority.issue_not_yet_valid(&["localhost"]), "CertificateExpired"),
        (authority.issue(&["example.org", "10.0.0.1"]), "BadCertificate"),
    ];
    for (certificate, alert) in bad {
        let settings = TlsSettings::new(&certificate);
        let server = Server::start(move |mut conn| {
            let settings = settings.clone();
            async move {
                let error = conn.start_tls(&settings).await.unwrap_err();
                assert_eq!(error.to_string(), format!("received fatal alert: {alert}"));
                Ok(())
            }
        });
        assert!(Client::secure(server.port(), &config).is_err());
        server.finish();
    }
}

#[test]
fn the_alert_reaches_a_client_without_a_certificate() {
    let authority = Authority::new();
    let config = Arc::new(trusting(&authority, None));
    let settings = TlsSettings::new(&authority.issue(&["localhost"])).require_client(&authority);
    let server = Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            assert!(conn.start_tls(&settings).await.is_err());
            Ok(())
        }
    });
    let mut client = Client::secure(server.port(), &config).expect("TLS 1.3 learns it later");
    client.write_all(b"already talking").unwrap();
    let error = client.read(&mut [0]).unwrap_err();
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
    drop(client);
    server.finish();
}

#[test]
fn a_requested_certificate_may_be_left_out() {
    let authority = Authority::new();
    let settings = TlsSettings::new(&authority.issue(&["localhost"])).request_client(&authority);
    let server = Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            conn.start_tls(&settings).await?;
            assert_eq!(conn.client_certificate(), None);
            conn.half_close().await
        }
    });
    let config = Arc::new(trusting(&authority, None));
    assert_eq!(rest(Client::secure(server.port(), &config).unwrap()), b"");
    server.finish();
}

#[test]
fn a_fin_without_a_close_notify_is_a_truncation() {
    let authority = Authority::new();
    let settings = TlsSettings::new(&authority.issue(&["localhost"]));
    let server = Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            conn.start_tls(&settings).await?;
            let error = conn.read_to_end().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
            Ok(())
        }
    });
    let config = Arc::new(trusting(&authority, None));
    let mut client = Client::secure(server.port(), &config).unwrap();
    client.write_all(b"cut sho").unwrap();
    client.socket.shutdown(std::net::Shutdown::Write).unwrap();
    server.finish();
}

#[test]
fn what_is_no_tls_is_an_error_at_once() {
    let settings = TlsSettings::new(&Certificate::self_signed(&["localhost"]));
    let server = Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            let error = conn.start_tls(&settings).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            Ok(())
        }
    });
    let mut client = support::connect(server.port());
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    server.finish();
}
