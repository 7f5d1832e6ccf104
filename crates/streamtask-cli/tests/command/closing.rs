//! How a connection is let go of: what was written arrives although not everything was read.

use std::io::{Read, Write, pipe};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection, StreamOwned};
use streamtask_testkit::Version;

use crate::support::{GUARD, Run, path, trusted, wait_until_read};

/// More than the window of a receiver that does not read, less than what systems hold for sending.
const WRITTEN: usize = 200_000;

/// What the other end says unasked.
const UNREAD: &[u8] = &[b'u'; 300_000];

fn connect(port: &str) -> TcpStream {
    let port: u16 = port.parse().expect("a number");
    let socket = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    socket.set_read_timeout(Some(GUARD)).expect("a minute is not zero");
    socket
}

/// A client that is not ours and goes on only when it is told to.
fn secure(port: &str, ca: &str) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_file(ca).expect("listen wrote it");
    roots.add(root).expect("it is a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("aws-lc-rs speaks both versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    let tls = ClientConnection::new(Arc::new(config), name).expect("the configuration is whole");
    let mut stream = StreamOwned::new(tls, connect(port));
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).expect("the listener shakes hands");
    }
    stream
}

/// A listener that has sent all of stdin, and whose stdout nobody reads.
fn sent_and_unread(arguments: &[&str], meet: impl FnOnce(&str)) -> Run {
    let ((reader, stdout), (stdin, mut words)) =
        (pipe().expect("pipes are to be had"), pipe().expect("pipes are to be had"));
    drop(reader);
    let mut listen = Run::start_with(arguments, stdin.into(), stdout.into());
    meet(&listen.port());
    words.write_all(&[b'w'; WRITTEN]).expect("the command reads");
    wait_until_read(&words);
    listen
}

#[test]
fn what_a_listener_has_sent_arrives_although_nobody_reads_its_stdout() {
    let mut socket = None;
    let listen = sent_and_unread(&["listen", "0"], |port| socket = Some(connect(port)));
    let mut socket = socket.expect("it was met");
    socket.write_all(UNREAD).expect("the listener takes it");
    socket.shutdown(Shutdown::Write).expect("the listener is there");
    listen.finish().expect(0);
    let mut came = Vec::new();
    socket.read_to_end(&mut came).expect("no reset");
    assert_eq!(came.len(), WRITTEN);
}

#[test]
fn what_a_listener_has_sent_under_tls_arrives_although_nobody_reads_its_stdout() {
    let ca = path("closing.tie.pem");
    let arguments = ["listen", "0", "--tls", "--write-ca", &ca];
    let mut stream = None;
    let listen = sent_and_unread(&arguments, |port| stream = Some(secure(port, &ca)));
    let mut stream = stream.expect("it was met");
    stream.write_all(UNREAD).expect("the listener takes it");
    stream.sock.shutdown(Shutdown::Write).expect("the listener is there");
    listen.finish().expect(0);
    let mut came = Vec::new();
    stream.read_to_end(&mut came).expect("a close_notify and no reset");
    assert_eq!(came.len(), WRITTEN);
}

#[test]
fn a_listener_that_has_sent_nothing_does_not_wait_for_the_peers_end() {
    let (reader, stdout) = pipe().expect("pipes are to be had");
    drop(reader);
    let began = Instant::now();
    let mut listen = Run::start_with(&["listen", "0"], Stdio::null(), stdout.into());
    let mut socket = connect(&listen.port());
    socket.write_all(UNREAD).expect("the listener takes it");
    listen.finish().expect(0);
    // It would be ten.
    assert!(began.elapsed() < Duration::from_secs(8));
    drop(socket);
}

#[test]
fn an_echo_arrives_although_the_caller_goes_on_behind_the_end_of_tls() {
    let ca = path("closing.echo.pem");
    let arguments = ["listen", "0", "--tls", "--write-ca", &ca, "--echo", "--once"];
    let mut listen = Run::start(&arguments);
    let mut stream = secure(&listen.port(), &ca);
    stream.write_all(&[b'e'; WRITTEN]).expect("the listener takes it");
    stream.conn.send_close_notify();
    stream.flush().expect("the listener takes it");
    stream.sock.write_all(UNREAD).expect("the listener takes it");
    stream.sock.shutdown(Shutdown::Write).expect("the listener is there");
    listen.finish().expect(0);
    let mut came = Vec::new();
    stream.read_to_end(&mut came).expect("a close_notify and no reset");
    assert_eq!(came.len(), WRITTEN);
}

#[test]
fn whoever_does_not_speak_tls_gets_the_alert_that_says_so() {
    let mut listen = Run::start(&["listen", "0", "--tls"]);
    let mut socket = connect(&listen.port());
    socket.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("the listener takes it");
    socket.write_all(UNREAD).expect("the listener takes it");
    socket.shutdown(Shutdown::Write).expect("the listener is there");
    listen.finish().expect(4);
    let mut came = Vec::new();
    socket.read_to_end(&mut came).expect("no reset");
    // RFC 8446, 5.1 and 6: the type of a record with an alert, and its level fatal.
    assert_eq!((came.first(), came.get(5)), (Some(&21), Some(&2)), "{came:?}");
}

/// Lets the command send all of its stdin to a peer that reads nothing, says what nobody reads in turn, and
/// only looks at what came when the command has ended.
fn assert_what_was_sent_arrives<S: Read + Write>(
    options: &[&str],
    accept: impl FnOnce(TcpStream) -> S,
    end: impl FnOnce(&mut S),
) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let port = listener.local_addr().expect("a bound socket has an address").port().to_string();
    let ((reader, stdout), (stdin, mut words)) =
        (pipe().expect("pipes are to be had"), pipe().expect("pipes are to be had"));
    drop(reader);
    let arguments = [&["connect", "localhost", &port], options].concat();
    let connect = Run::start_with(&arguments, stdin.into(), stdout.into());
    let mut stream = accept(listener.accept().expect("the command connects").0);
    words.write_all(&[b'w'; WRITTEN]).expect("the command reads");
    wait_until_read(&words);
    stream.write_all(UNREAD).expect("the command takes it");
    end(&mut stream);
    connect.finish().expect(0);
    let mut came = Vec::new();
    stream.read_to_end(&mut came).expect("a good end and no reset");
    assert_eq!(came.len(), WRITTEN);
}

#[test]
fn what_was_sent_arrives_although_nobody_reads_our_stdout() {
    let end = |socket: &mut TcpStream| socket.shutdown(Shutdown::Write).expect("it is open");
    assert_what_was_sent_arrives(&[], |socket| socket, end);
}

#[test]
fn what_was_sent_under_tls_arrives_although_nobody_reads_our_stdout() {
    let (_, ca, settings) = trusted("sent_tls");
    let settings = settings.version(Version::Tls13);
    let accept = |mut socket| {
        let mut tls = ServerConnection::new(settings.config()).expect("the settings are whole");
        while tls.is_handshaking() {
            tls.complete_io(&mut socket).expect("the command shakes hands");
        }
        StreamOwned::new(tls, socket)
    };
    let end = |stream: &mut StreamOwned<ServerConnection, TcpStream>| {
        stream.conn.send_close_notify();
        stream.flush().expect("the command takes it");
        stream.sock.shutdown(Shutdown::Write).expect("it is open");
    };
    assert_what_was_sent_arrives(&["--tls", "--ca", &ca], accept, end);
}
