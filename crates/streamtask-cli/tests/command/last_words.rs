//! What a server says last comes, although it closes right behind it over what it has not read, so that the
//! next thing we send is answered with a reset.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use rustls::ServerConnection;
use streamtask_testkit::TlsSettings;

use crate::support::{run, trusted};

/// A server that at the first byte that comes says its last words and closes.
struct Hurried {
    opening: Opening,
    last: &'static str,
    end: End,
}

enum Opening {
    Clear,
    Tls(TlsSettings),
    /// SMTP as far as STARTTLS.
    Smtp(TlsSettings),
}

/// What comes between the last words and the FIN.
#[derive(Clone, Copy)]
enum End {
    CloseNotify,
    Nothing,
}

impl Hurried {
    fn new(opening: Opening, last: &'static str, end: End) -> Self {
        Hurried { opening, last, end }
    }

    /// Takes one connection after the other, to the end of the tests. Gives the port.
    fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                self.serve(socket).expect("the command takes part");
            }
        });
        port.to_string()
    }

    fn serve(&self, mut socket: TcpStream) -> Result<()> {
        // Held back behind other small pieces, the last words would never leave.
        socket.set_nodelay(true)?;
        let mut tls = match &self.opening {
            Opening::Clear => None,
            Opening::Tls(settings) => Some(secure(&mut socket, settings)?),
            Opening::Smtp(settings) => {
                ask_for_tls(&mut socket)?;
                Some(secure(&mut socket, settings)?)
            }
        };
        let mut last = seal(tls.as_mut(), self.last)?;
        if let (Some(tls), End::CloseNotify) = (&mut tls, self.end) {
            tls.send_close_notify();
            last.extend(seal(Some(tls), "")?);
        }
        socket.read_exact(&mut [0])?;
        socket.write_all(&last)
    }
}

fn ask_for_tls(socket: &mut TcpStream) -> Result<()> {
    for words in ["220 hi\r\n", "250-hi\r\n250 STARTTLS\r\n"] {
        socket.write_all(words.as_bytes())?;
        BufReader::new(&*socket).read_line(&mut String::new())?;
    }
    socket.write_all(b"220 go\r\n")
}

/// Shakes hands. What comes behind the handshake stays unread.
fn secure(socket: &mut TcpStream, settings: &TlsSettings) -> Result<ServerConnection> {
    let mut tls = ServerConnection::new(settings.config()).expect("the settings are whole");
    while tls.is_handshaking() {
        let record = next_record(socket)?;
        let mut left = &record[..];
        while !left.is_empty() {
            tls.read_tls(&mut left)?;
            tls.process_new_packets().map_err(std::io::Error::other)?;
        }
        socket.write_all(&seal(Some(&mut tls), "")?)?;
    }
    Ok(tls)
}

/// A record and not a byte of the next (RFC 8446, 5.1).
fn next_record(socket: &mut TcpStream) -> Result<Vec<u8>> {
    let mut record = vec![0; 5];
    socket.read_exact(&mut record)?;
    record.resize(5 + usize::from(u16::from_be_bytes([record[3], record[4]])), 0);
    socket.read_exact(&mut record[5..])?;
    Ok(record)
}

/// As it goes over the wire, with whatever else TLS has to say.
fn seal(tls: Option<&mut ServerConnection>, words: &str) -> Result<Vec<u8>> {
    let Some(tls) = tls else { return Ok(words.into()) };
    tls.writer().write_all(words.as_bytes())?;
    let mut sealed = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut sealed)?;
    }
    Ok(sealed)
}

fn assert_last_words_come(runs: usize, server: Hurried, options: &[&str], stdin: &[u8]) {
    let last = server.last;
    let port = server.start();
    let arguments = [&["connect", "localhost", &port], options].concat();
    let done = (0..runs).map(|_| run(&arguments, stdin));
    let lost = done.filter(|done| done.stdout != last.as_bytes());
    let lost: Vec<_> = lost.map(|done| done.stderr).collect();
    assert!(lost.is_empty(), "{} of {runs}, the first with {}", lost.len(), lost[0]);
}

#[test]
fn the_answer_to_quit_comes_although_the_server_closes_right_behind_it() {
    let (_, ca, settings) = trusted("quit");
    let server = Hurried::new(Opening::Smtp(settings), "221 bye\r\n", End::CloseNotify);
    assert_last_words_come(100, server, &["--starttls", "smtp", "--ca", &ca], b"QUIT\r\n");
}

#[test]
fn the_answer_to_quit_comes_although_the_server_cuts_tls_off_behind_it() {
    let (_, ca, settings) = trusted("quit_cut");
    let server = Hurried::new(Opening::Smtp(settings), "221 bye\r\n", End::Nothing);
    assert_last_words_come(30, server, &["--starttls", "smtp", "--ca", &ca], b"QUIT\r\n");
}

/// More than sockets hold.
const UPLOAD: &[u8] = &[b'u'; 3 << 20];

#[test]
fn a_refusal_comes_although_the_server_closes_over_an_upload() {
    let server = Hurried::new(Opening::Clear, "552 too much\r\n", End::Nothing);
    assert_last_words_come(20, server, &[], UPLOAD);
}

#[test]
fn a_refusal_under_tls_comes_although_the_server_closes_over_an_upload() {
    let (_, ca, settings) = trusted("refusal");
    let server = Hurried::new(Opening::Tls(settings), "552 too much\r\n", End::CloseNotify);
    assert_last_words_come(20, server, &["--tls", "--ca", &ca], UPLOAD);
}
