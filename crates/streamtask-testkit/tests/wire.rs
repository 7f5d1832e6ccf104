//! The relay: same bytes, other cuts; stalls, ends and resets.

mod support;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::mpsc;

use streamtask_testkit::{
    Authority, Cut, Server, TlsSettings, Wire, echo, free_port, half_closer, resetter, sink,
    starttls,
};
use support::{Client, connect, rest, trusting};

const CUTS: [Cut; 4] = [Cut::EveryByte, Cut::Join, Cut::Random { seed: 3 }, Cut::None];

#[test]
fn every_cut_brings_the_same_bytes_and_the_fin() {
    let sent: Vec<u8> = (0..5_000u32).map(|i| (i % 251) as u8).collect();
    for cut in CUTS {
        let server = half_closer();
        let wire = Wire::start(server.addr(), cut);
        let mut client = connect(wire.port());
        client.write_all(&sent).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(rest(client), sent, "{cut:?}");
        server.finish();
    }
}

#[test]
fn tls_in_place_survives_every_cut() {
    let authority = Authority::new();
    let config = Arc::new(trusting(&authority, None));
    for cut in CUTS {
        let server = starttls(TlsSettings::new(&authority.issue(&["localhost"])));
        let wire = Wire::start(server.addr(), cut);
        let mut client = Client::clear(wire.port());
        client.line();
        client.say("STARTTLS");
        client.start_tls(&config).unwrap();
        assert_eq!(client.say("STOPTLS"), "220 stopping");
        client.stop_tls();
        assert_eq!(client.say("ECHO done"), "250 done");
        drop(client);
        server.finish();
    }
}

#[test]
fn what_clients_said_is_remembered_however_it_is_cut_and_the_answers_are_not() {
    for cut in CUTS {
        let server = echo();
        let wire = Wire::start(server.addr(), cut);
        let mut client = connect(wire.port());
        client.write_all(b"hello").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(rest(client), b"hello");
        assert_eq!(wire.heard(), b"hello", "{cut:?}");
    }
}

#[test]
fn joined_bytes_come_in_one_read() {
    let server = Server::start(|mut conn| async move {
        for piece in ["a", "b", "c"] {
            conn.write(piece).await?;
        }
        conn.wait_closed().await.map(drop)
    });
    let wire = Wire::start(server.addr(), Cut::Join);
    // On a busy machine the server itself may be stopped between two writes, and so seem to pause.
    let joined = (0..5).any(|_| connect(wire.port()).read(&mut [0; 8]).unwrap() == 3);
    assert!(joined);
}

#[test]
fn nothing_passes_a_stall_and_nothing_is_lost() {
    let server = echo();
    let wire = Wire::start(server.addr(), Cut::None);
    let mut client = connect(wire.port());
    exchange(&mut client);
    wire.stall();
    client.write_all(b"held up").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    client.set_nonblocking(true).unwrap();
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    client.set_nonblocking(false).unwrap();
    wire.resume();
    assert_eq!(rest(client), b"held up");
    server.finish();
}

#[test]
fn a_reset_reaches_both_sides() {
    let (tell, told) = mpsc::channel();
    let server = Server::start(move |mut conn| {
        let tell = tell.clone();
        async move {
            let first = conn.read().await?;
            conn.write(first).await?;
            tell.send(conn.read().await.unwrap_err().kind()).unwrap();
            Ok(())
        }
    });
    let wire = Wire::start(server.addr(), Cut::None);
    let mut client = connect(wire.port());
    exchange(&mut client);
    wire.reset();
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(told.recv().unwrap(), io::ErrorKind::ConnectionReset);
    // The relay itself goes on.
    assert!(TcpStream::connect(("127.0.0.1", wire.port())).is_ok());
}

#[test]
fn a_reset_of_the_server_is_passed_on() {
    let server = resetter();
    let wire = Wire::start(server.addr(), Cut::None);
    let mut client = connect(wire.port());
    client.write_all(b"x").unwrap();
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn a_target_that_does_not_listen_resets_the_client() {
    let target = ([127, 0, 0, 1], free_port()).into();
    let wire = Wire::start(target, Cut::None);
    let mut client = connect(wire.port());
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn a_stalled_relay_still_resets() {
    let (server, _received) = sink();
    let wire = Wire::start(server.addr(), Cut::EveryByte);
    let mut client = connect(wire.port());
    wire.stall();
    client.write_all(b"never arrives").unwrap();
    wire.reset();
    assert!(client.read(&mut [0]).is_err());
}

/// One byte there and back: the relay is surely connected then.
fn exchange(client: &mut TcpStream) {
    client.write_all(b"!").unwrap();
    client.read_exact(&mut [0]).unwrap();
}
