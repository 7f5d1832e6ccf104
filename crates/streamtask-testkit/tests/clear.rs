//! Servers and ready-made peers in clear text.

mod support;

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};

use streamtask_testkit::{
    Server, closer, echo, free_port, greet_first, half_closer, resetter, silent, sink, source,
};
use support::{connect, rest};

#[test]
fn echo_returns_what_came() {
    let server = echo();
    let mut client = connect(server.port());
    client.write_all(b"hello").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&client), b"hello");
    assert_eq!(server.connections(), 1);
    server.finish();
}

#[test]
fn finish_waits_for_a_connection_that_only_just_came() {
    let (server, received) = sink();
    connect(server.port()).write_all(b"quick").unwrap();
    server.finish();
    assert_eq!(received.take(), b"quick");
}

#[test]
fn a_sink_can_be_awaited() {
    let (server, received) = sink();
    connect(server.port()).write_all(b"abc").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(received.next()), b"abc");
}

#[test]
fn a_source_ends_after_its_bytes_and_still_takes_some() {
    let bytes = vec![7; 300_000];
    let server = source(bytes.clone());
    let mut client = connect(server.port());
    assert_eq!(rest(&client), bytes);
    client.write_all(b"late").unwrap();
    drop(client);
    server.finish();
}

#[test]
fn a_greeter_speaks_first() {
    let server = greet_first("220 hi\r\n");
    let mut client = connect(server.port());
    let mut greeting = [0; 8];
    client.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"220 hi\r\n");
}

#[test]
fn a_half_closer_answers_after_the_fin() {
    let server = half_closer();
    let mut client = connect(server.port());
    client.write_all(b"one").unwrap();
    client.write_all(b"two").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&client), b"onetwo");
    server.finish();
}

#[test]
fn a_closer_closes_and_a_resetter_resets() {
    assert_eq!(rest(connect(closer().port())), b"");
    let server = resetter();
    let mut client = connect(server.port());
    client.write_all(b"x").unwrap();
    let error = client.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    server.finish();
}

#[test]
fn a_silent_peer_stays_until_the_test_finishes() {
    let server = silent();
    let client = connect(server.port());
    client.set_nonblocking(true).unwrap();
    assert_eq!((&client).read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    server.finish();
    client.set_nonblocking(false).unwrap();
    assert_eq!(rest(client), b"");
}

#[test]
fn held_bytes_leave_in_one_send() {
    let server = Server::start(|mut conn| async move {
        conn.hold();
        for piece in ["a", "b", "c"] {
            conn.write(piece).await?;
        }
        conn.release().await?;
        conn.wait_closed().await.map(drop)
    });
    let mut client = connect(server.port());
    let mut bytes = [0; 8];
    assert_eq!(client.read(&mut bytes).unwrap(), 3);
    drop(client);
    server.finish();
}

#[test]
fn a_script_reads_lines_and_counts_bytes() {
    let server = Server::start(|mut conn| async move {
        assert_eq!(conn.read_line().await?, "one");
        assert_eq!(conn.read_line().await?, "two");
        assert_eq!(conn.read_exact(3).await?, b"xyz");
        assert_eq!(conn.read().await?, b"");
        assert_eq!(conn.raw_received(), 12);
        let error = conn.read_line().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        Ok(())
    });
    connect(server.port()).write_all(b"one\r\ntwo\nxyz").unwrap();
    server.finish();
}

#[test]
fn a_reset_by_the_client_is_the_end_for_a_waiting_script() {
    let server = Server::start(|mut conn| async move {
        conn.write("go").await?;
        assert_eq!(conn.wait_closed().await?, b"");
        Ok(())
    });
    let client = connect(server.port());
    let mut go = [0; 2];
    (&client).read_exact(&mut go).unwrap();
    socket2::SockRef::from(&client).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(client);
    server.finish();
}

#[test]
fn finish_passes_on_panics_and_errors() {
    let failing = Server::start(|mut conn| async move { conn.read_exact(1).await.map(drop) });
    drop(connect(failing.port()));
    let outcome = catch_unwind(AssertUnwindSafe(|| failing.finish()));
    assert!(outcome.unwrap_err().downcast_ref::<String>().unwrap().contains("ended the stream"));

    let panicking = Server::start(|_| async { panic!("on purpose") });
    drop(connect(panicking.port()));
    let outcome = catch_unwind(AssertUnwindSafe(|| panicking.finish()));
    assert_eq!(*outcome.unwrap_err().downcast_ref::<&str>().unwrap(), "on purpose");
}

#[test]
fn dropping_a_server_closes_its_connections() {
    let server = silent();
    let client = connect(server.port());
    let port = server.port();
    drop(server);
    // The connection may not have been accepted yet; then the system resets it.
    assert!(matches!((&client).read(&mut [0]), Ok(0) | Err(_)));
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn a_free_port_refuses() {
    let error = std::net::TcpStream::connect(("127.0.0.1", free_port())).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}
