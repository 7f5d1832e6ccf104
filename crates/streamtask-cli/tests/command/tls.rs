//! TLS from the first byte: whom to trust, who we are, what is agreed on.

use streamtask_testkit::{self as kit, Certificate, Server, TlsSettings, Version};

use crate::support::{Run, all_bytes, file, run, trusted};

#[test]
fn every_byte_goes_to_the_peer_and_back_under_tls() {
    let (_, ca, settings) = trusted("every_byte");
    let server = kit::echo_tls(settings);
    let bytes = all_bytes();
    let port = server.port().to_string();
    let done = run(&["connect", "localhost", &port, "--tls", "--ca", &ca], &bytes).expect(0);
    assert!(done.stdout == bytes, "{} of {} bytes", done.stdout.len(), bytes.len());
    assert_eq!(done.stderr, "");
    server.finish();
}

#[test]
fn a_certificate_of_nobody_known_exits_with_4_and_a_hint() {
    let (_, _, settings) = trusted("nobody_known");
    let (_, ca, _) = trusted("somebody_else");
    let server = kit::echo_tls(settings);
    let port = server.port().to_string();
    let not_in_file = format!("does not lead to a root in {ca}");
    for (options, hint) in
        [(&["--tls"][..], "--ca FILE trusts the root"), (&["--tls", "--ca", &ca], &not_in_file)]
    {
        let done = run(&[&["connect", "localhost", &port][..], options].concat(), b"secret");
        let done = done.expect(4);
        assert_eq!(done.stdout, b"");
        assert!(done.stderr.contains(hint), "{}", done.stderr);
    }
}

#[test]
fn a_cas_certificate_shown_as_the_servers_own_is_named_as_that() {
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("ASCII");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("the system gives random bytes");
    let signed = params.self_signed(&key).expect("a key signs anything");
    let (cert, key) = (file("as_ca.pem", &signed.pem()), file("as_ca.key", &key.serialize_pem()));
    let (_, ca, _) = trusted("as_ca.other");
    let mut listen =
        Run::start(&["listen", "0", "--echo", "--tls", "--cert", &cert, "--key", &key]);
    let port = listen.port();
    for options in [&["--tls"][..], &["--tls", "--ca", &ca]] {
        let done = run(&[&["connect", "localhost", &port][..], options].concat(), b"").expect(4);
        assert!(done.stderr.contains("shows a CA's certificate as its own"), "{}", done.stderr);
    }
}

#[test]
fn a_certificate_that_is_not_for_servers_is_named_as_that() {
    let (authority, ca, _) = trusted("not_for_servers");
    let server = kit::echo_tls(TlsSettings::new(&authority.issue_client("localhost")));
    let port = server.port().to_string();
    let done = run(&["connect", "localhost", &port, "--tls", "--ca", &ca], b"").expect(4);
    assert!(done.stderr.contains("not for servers"), "{}", done.stderr);
    assert!(!done.stderr.contains("--server-name"), "{}", done.stderr);
}

#[test]
fn a_certificate_for_another_name_exits_with_4_until_that_name_is_asked_for() {
    let (authority, ca, _) = trusted("another_name");
    let server = kit::echo_tls(TlsSettings::new(&authority.issue(&["other.example"])));
    let port = server.port().to_string();
    let plain = ["connect", "localhost", &port, "--tls", "--ca", &ca];
    let done = run(&plain, b"hi").expect(4);
    assert!(done.stderr.contains("--server-name"), "{}", done.stderr);
    assert!(!done.stderr.contains("--ca"), "the root is not the matter: {}", done.stderr);
    let named = [&plain[..], &["--server-name", "other.example"]].concat();
    assert_eq!(run(&named, b"hi").expect(0).stdout, b"hi");
}

#[test]
fn an_expired_certificate_exits_with_4() {
    let (authority, ca, _) = trusted("expired");
    let server = kit::echo_tls(TlsSettings::new(&authority.issue_expired(&["localhost"])));
    let port = server.port().to_string();
    let done = run(&["connect", "localhost", &port, "--tls", "--ca", &ca], b"").expect(4);
    assert!(done.stderr.contains("clock"), "{}", done.stderr);
}

#[test]
fn insecure_accepts_it_with_a_warning() {
    let server = kit::echo_tls(TlsSettings::new(&Certificate::self_signed(&["elsewhere"])));
    let port = server.port().to_string();
    let done = run(&["connect", "localhost", &port, "--tls", "--insecure"], b"hi").expect(0);
    assert_eq!(done.stdout, b"hi");
    assert!(done.stderr.starts_with("warning: --insecure: localhost could be anybody"));
    assert!(done.stderr.contains("SHA-256 "), "{}", done.stderr);
}

#[test]
fn clear_text_where_tls_is_wanted_exits_with_4_and_names_starttls() {
    let server = kit::greet_first("220 mail.example ready\r\n");
    let port = server.port().to_string();
    let done = run(&["connect", "localhost", &port, "--tls"], b"").expect(4);
    assert!(done.stderr.contains("--starttls"), "{}", done.stderr);
}

#[test]
fn a_client_certificate_is_shown_and_missed() {
    let (authority, ca, settings) = trusted("client");
    let client = authority.issue_client("someone");
    let cert = file("client.cert.pem", &client.chain_pem());
    let key = file("client.key.pem", &client.key_pem());
    let server = kit::echo_tls(settings.require_client(&authority));
    let port = server.port().to_string();
    let plain = ["connect", "localhost", &port, "--tls", "--ca", &ca];
    let shown = [&plain[..], &["--cert", &cert, "--key", &key]].concat();
    assert_eq!(run(&shown, b"hi").expect(0).stdout, b"hi");
    let done = run(&plain, b"hi").expect(4);
    assert!(done.stderr.contains("--cert FILE --key FILE"), "{}", done.stderr);
}

#[test]
fn versions_and_application_protocols_are_agreed_on() {
    let (_, ca, settings) = trusted("agreed");
    let server = kit::echo_tls(settings.alpn(&["b"]));
    let port = server.port().to_string();
    let options = ["--tls", "--ca", &ca, "--alpn", "a,b", "--tls-max", "1.2", "-v"];
    let done = run(&[&["connect", "localhost", &port][..], &options].concat(), b"").expect(0);
    let last = done.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("● TLS 1.2, ") && last.ends_with(", speaks b"), "{last}");
}

#[test]
fn a_version_that_is_too_low_exits_with_4() {
    let (_, ca, settings) = trusted("too_low");
    let server = kit::echo_tls(settings.version(Version::Tls12));
    let port = server.port().to_string();
    let options = ["--tls", "--ca", &ca, "--tls-min", "1.3"];
    run(&[&["connect", "localhost", &port][..], &options].concat(), b"").expect(4);
}

#[test]
fn the_end_of_stdin_is_a_close_notify_and_the_rest_is_read() {
    let (_, ca, settings) = trusted("half_close");
    let server = Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            conn.start_tls(&settings).await?;
            let heard = conn.read_to_end().await?;
            conn.write(heard).await?;
            conn.half_close().await
        }
    });
    let port = server.port().to_string();
    let done = run(&["connect", "localhost", &port, "--tls", "--ca", &ca], b"all").expect(0);
    assert_eq!(done.stdout, b"all");
    server.finish();
}
