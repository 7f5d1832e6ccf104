//! The other end: `listen` against `connect`, and against plain sockets.

use std::io::Write;
use std::net::TcpStream;
use std::thread;

use crate::support::{Run, all_bytes, path, run};

#[test]
fn an_echo_gives_every_byte_back_to_connect() {
    let mut listen = Run::start(&["listen", "0", "--echo"]);
    let port = listen.port();
    let bytes = all_bytes();
    for _ in 0..2 {
        assert!(run(&["connect", "127.0.0.1", &port], &bytes).expect(0).stdout == bytes);
    }
}

#[test]
fn an_echo_under_tls_is_trusted_through_the_file_it_writes() {
    let ca = path("listen.ca.pem");
    let arguments = ["listen", "0", "--echo", "--once", "--tls", "--write-ca", &ca];
    let mut listen = Run::start(&arguments);
    let fingerprint = listen.told("certificate SHA-256 ");
    assert_eq!(fingerprint.len(), 32 * 3 - 1);
    let port = listen.port();
    let bytes = all_bytes();
    let done = run(&["connect", "localhost", &port, "--tls", "--ca", &ca], &bytes).expect(0);
    assert!(done.stdout == bytes);
    listen.finish().expect(0);
}

#[test]
fn insecure_shows_the_fingerprint_that_listen_showed() {
    let mut listen = Run::start(&["listen", "0", "--echo", "--tls"]);
    let fingerprint = listen.told("certificate SHA-256 ");
    let port = listen.port();
    let done = run(&["connect", "localhost", &port, "--tls", "--insecure"], b"hi").expect(0);
    assert!(done.stderr.contains(&fingerprint), "{}", done.stderr);
}

#[test]
fn without_echo_stdin_and_stdout_are_tied_to_one_connection() {
    let mut listen = Run::start(&["listen", "0"]);
    let port = listen.port();
    let mut stdin = listen.stdin.take().expect("stdin was not taken yet");
    stdin.write_all(b"from the listener").expect("the command reads");
    drop(stdin);
    let done = run(&["connect", "127.0.0.1", &port], b"from the caller").expect(0);
    assert_eq!(done.stdout, b"from the listener");
    assert_eq!(listen.finish().expect(0).stdout, b"from the caller");
}

#[test]
fn what_stdin_has_at_hand_is_sent_although_the_caller_has_ended_first() {
    let ca = path("tied.ca.pem");
    let mut listen = Run::start(&["listen", "0", "--tls", "--write-ca", &ca]);
    let port = listen.port();
    let mut stdin = listen.stdin.take().expect("stdin was not taken yet");
    // More than any buffer on the way: most of it is sent behind the caller's end.
    let all = thread::spawn(move || stdin.write_all(&all_bytes()));
    let connect = ["connect", "127.0.0.1", &port, "--tls", "--ca", &ca];
    assert!(run(&connect, b"").expect(0).stdout == all_bytes());
    assert_eq!(listen.finish().expect(0).stdout, b"");
    all.join().expect("no panic").expect("all of it was read");
}

#[test]
fn whoever_does_not_speak_tls_is_told_of_and_exits_with_4() {
    let mut listen = Run::start(&["listen", "0", "--tls"]);
    let port: u16 = listen.port().parse().expect("a number");
    let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    socket.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("it reads");
    // Told before it waits for the peer's end.
    listen.told("  next   does the other end speak TLS");
    drop(socket);
    listen.finish().expect(4);
}

#[test]
fn a_port_that_is_taken_exits_with_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let port = taken.local_addr().expect("a bound socket has an address").port().to_string();
    let done = run(&["listen", &port], b"").expect(1);
    assert!(done.stderr.contains(&format!("listening on 127.0.0.1 port {port}")));
}
