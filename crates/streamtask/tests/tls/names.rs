//! What was typed, what is dialled and what is verified are three things.

use streamtask::{ErrorKind, SecureOptions, Session};
use streamtask_testkit::{Authority, Server, TlsSettings, Version};

use crate::support::{SOON, VERSIONS, in_time, session, settings};

/// Tells the name that the client asked for (SNI), which never is an address.
fn telling(settings: TlsSettings) -> Server {
    Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            if conn.start_tls(&settings).await.is_err() {
                return Ok(());
            }
            let name = conn.server_name().unwrap_or_default();
            conn.write(format!("{name}\n")).await?;
            conn.read_to_end().await.map(drop)
        }
    })
}

/// Connects to `host` as typed, under TLS: what was verified, and what the server was asked for.
async fn secured(
    session: &Session,
    host: &str,
    port: u16,
    options: SecureOptions,
) -> Result<(String, String), streamtask::Error> {
    let task = session.stream_task(host, port)?;
    task.resume();
    assert_eq!(task.host(), Some(host), "what was typed stays");
    let info = in_time(task.start_secure_connection_with(options)).await?;
    let told = in_time(task.read_until("\n", 300, SOON)).await?.data;
    let told = String::from_utf8_lossy(&told).trim().to_owned();
    Ok((info.server_name().to_owned(), told))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_any_spelling_is_verified_as_that_address() {
    let authority = Authority::new();
    let session = session(&authority);
    for version in VERSIONS {
        let server = telling(settings(&authority, version));
        for typed in ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1"] {
            let options = SecureOptions::default();
            let verified = secured(&session, typed, server.port(), options).await.expect(typed);
            assert_eq!(verified, ("127.0.0.1".into(), String::new()), "{typed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_zone_of_an_address_is_not_verified() {
    let authority = Authority::new();
    let settings = TlsSettings::new(&authority.issue(&["::ffff:127.0.0.1"]));
    let server = telling(settings);
    for typed in ["::ffff:127.0.0.1", "::ffff:127.0.0.1%1"] {
        let options = SecureOptions::default();
        let verified = secured(&session(&authority), typed, server.port(), options).await;
        assert_eq!(verified.expect(typed).0, "::ffff:127.0.0.1", "{typed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_given_is_read_like_one_that_is_typed() {
    let authority = Authority::new();
    let names = ["other.test", "my_host.test", "_imaps._tcp.test", "10.0.0.1", "fe80::1"];
    let server = telling(TlsSettings::new(&authority.issue(&names)).version(Version::Tls13));
    for (given, verified, asked) in [
        ("other.test", "other.test", "other.test"),
        ("other.test.", "other.test", "other.test"),
        ("my_host.test", "my_host.test", "my_host.test"),
        ("_imaps._tcp.test", "_imaps._tcp.test", "_imaps._tcp.test"),
        ("10.1", "10.0.0.1", ""),
        ("fe80::1%eth0", "fe80::1", ""),
        ("[fe80::1]", "fe80::1", ""),
    ] {
        let options = SecureOptions::default().server_name(given);
        let heard = secured(&session(&authority), "127.0.0.1", server.port(), options).await;
        assert_eq!(heard.expect(given), (verified.into(), asked.into()), "{given}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_no_certificate_can_hold_is_refused_by_name() {
    let authority = Authority::new();
    let server = telling(settings(&authority, Version::Tls13));
    for given in ["two words", "-a.test", "a..b", ""] {
        let options = SecureOptions::default().server_name(given);
        let refused = secured(&session(&authority), "127.0.0.1", server.port(), options).await;
        let error = refused.expect_err("no name");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{given}");
        assert!(error.to_string().contains(&format!("{given:?} is not a server name")), "{error}");
    }
}
