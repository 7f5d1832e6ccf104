//! TLS on and off in place.

mod support;

use std::io::{Read, Write};
use std::sync::Arc;

use streamtask_testkit::{Authority, Server, TlsSettings, Version, starttls};
use support::{Client, rest, trusting};

const BOTH: [Version; 2] = [Version::Tls12, Version::Tls13];

#[test]
fn a_dialogue_turns_tls_on_and_off_and_on() {
    let authority = Authority::new();
    let config = Arc::new(trusting(&authority, None));
    for version in BOTH {
        let settings = TlsSettings::new(&authority.issue(&["localhost"])).version(version);
        let server = starttls(settings);
        let mut client = Client::clear(server.port());
        assert_eq!(client.line(), "220 testkit ready");
        assert_eq!(client.say("EHLO me"), "250-testkit");
        assert_eq!(client.line(), "250 STARTTLS");
        assert_eq!(client.say("STOPTLS"), "503 not now");
        for _ in 0..2 {
            assert_eq!(client.say("STARTTLS"), "220 go ahead");
            client.start_tls(&config).unwrap();
            assert_eq!(client.say("ECHO in TLS"), "250 in TLS");
            assert_eq!(client.say("STARTTLS"), "503 not now");
            assert_eq!(client.say("STOPTLS"), "220 stopping");
            client.stop_tls();
            assert_eq!(client.say("NOOP"), "250 ok");
        }
        assert_eq!(client.say("QUIT"), "221 bye");
        assert_eq!(rest(client), b"");
        server.finish();
    }
}

#[test]
fn quitting_in_tls_ends_with_a_close_notify() {
    let authority = Authority::new();
    let server = starttls(TlsSettings::new(&authority.issue(&["localhost"])));
    let mut client = Client::clear(server.port());
    client.line();
    client.say("STARTTLS");
    client.start_tls(&Arc::new(trusting(&authority, None))).unwrap();
    assert_eq!(client.say("QUIT"), "221 bye");
    assert_eq!(rest(client), b"");
    server.finish();
}

#[test]
fn clear_text_behind_a_close_notify_is_kept() {
    let authority = Authority::new();
    let config = Arc::new(trusting(&authority, None));
    for version in BOTH {
        let settings = TlsSettings::new(&authority.issue(&["localhost"])).version(version);
        let server = Server::start(move |mut conn| {
            let settings = settings.clone();
            async move {
                conn.start_tls(&settings).await?;
                conn.wait_close_notify().await?;
                conn.stop_tls().await?;
                assert_eq!(conn.read_line().await?, "secret and clear");
                assert_eq!(conn.read_to_end().await?, b"rest");
                Ok(())
            }
        });
        let mut client = Client::secure(server.port(), &config).unwrap();
        let mut out = Vec::new();
        client.tls().writer().write_all(b"secret ").unwrap();
        client.tls().send_close_notify();
        while client.tls().wants_write() {
            client.tls().write_tls(&mut out).unwrap();
        }
        out.extend_from_slice(b"and clear\r\nrest");
        client.socket.write_all(&out).unwrap();
        client.socket.shutdown(std::net::Shutdown::Write).unwrap();
        server.finish();
    }
}

#[test]
fn everything_up_to_clear_text_can_leave_in_one_send() {
    let authority = Authority::new();
    let config = Arc::new(trusting(&authority, None));
    for version in BOTH {
        let settings = TlsSettings::new(&authority.issue(&["localhost"])).version(version);
        let server = Server::start(move |mut conn| {
            let settings = settings.clone();
            async move {
                conn.hold();
                conn.write("220 go ahead\r\n").await?;
                conn.start_tls(&settings).await?;
                conn.write("secret").await?;
                conn.send_close_notify().await?;
                assert!(conn.write("too late").await.is_err());
                conn.write_raw("clear").await?;
                conn.release().await?;
                conn.wait_closed().await.map(drop)
            }
        });
        let mut client = Client::clear(server.port());
        assert_eq!(client.line(), "220 go ahead");
        let name = "localhost".try_into().unwrap();
        let mut tls = rustls::ClientConnection::new(config.clone(), name).unwrap();
        // The client's last flight, and then one read for all of the server's end.
        while tls.is_handshaking() && !(version == Version::Tls12 && has_spoken_twice(&tls)) {
            step(&mut tls, &mut client.socket);
        }
        while tls.wants_write() {
            tls.write_tls(&mut client.socket).unwrap();
        }
        let mut last = [0; 16_384];
        let count = client.socket.read(&mut last).unwrap();
        assert!(last[..count].ends_with(b"clear"));
        drop(client);
        server.finish();
    }
}

/// In TLS 1.2 the server's Finished is part of what is held: stop when the client waits for it.
fn has_spoken_twice(tls: &rustls::ClientConnection) -> bool {
    tls.peer_certificates().is_some() && !tls.wants_write()
}

/// Writes what is to write, or else takes one read.
fn step(tls: &mut rustls::ClientConnection, socket: &mut std::net::TcpStream) {
    if tls.wants_write() {
        tls.write_tls(socket).unwrap();
    } else {
        tls.read_tls(socket).unwrap();
        tls.process_new_packets().unwrap();
    }
}
