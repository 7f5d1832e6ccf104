//! Proxies for one test each: they note what they were asked for, and relay.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// How a proxy behaves.
#[derive(Clone, Copy, Default)]
pub(super) struct Manner {
    /// Who may use it.
    pub(super) login: Option<(&'static str, &'static str)>,
    /// Its answer and the first words of a server that speaks first are one write.
    pub(super) glues: bool,
    /// It connects to no address but this port's.
    pub(super) only: Option<u16>,
}

/// A proxy of every kind: which one a caller wants is told by its first byte.
pub(super) struct Fake {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    pub(super) fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let notes = asked.clone();
        // It ends with the process: nobody waits for a proxy.
        thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                let notes = notes.clone();
                thread::spawn(move || serve(caller, manner, &notes));
            }
        });
        Fake { address, asked }
    }

    pub(super) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// The same for somebody.
    pub(super) fn url_for(&self, scheme: &str, login: &str) -> String {
        format!("{scheme}://{login}@{}", self.address)
    }

    /// What it was asked for so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut caller: TcpStream, manner: Manner, notes: &Mutex<Vec<String>>) -> io::Result<()> {
    let note = |text: String| notes.lock().unwrap().push(text);
    let first = byte(&mut caller)?;
    let request = match first {
        4 => socks4(&mut caller)?,
        5 => match socks5(&mut caller, manner)? {
            Some(request) => request,
            None => {
                note("no login".into());
                return Ok(());
            }
        },
        _ => match connect(&mut caller, manner, first)? {
            Some(request) => request,
            None => {
                note("no login".into());
                return Ok(());
            }
        },
    };
    note(request.destination.clone());
    let port = request.destination.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    let port: u16 = port.ok_or(io::ErrorKind::InvalidData)?;
    let is_allowed = manner.only.is_none_or(|only| only == port);
    let target = TcpStream::connect(("127.0.0.1", port)).ok().filter(|_| is_allowed);
    let Some(mut target) = target else { return caller.write_all(&request.no) };
    let mut answer = request.yes;
    if manner.glues {
        let mut words = [0; 64];
        let count = target.read(&mut words)?;
        answer.extend(&words[..count]);
    }
    caller.write_all(&answer)?;
    relay(caller, target)
}

/// What was asked for, and the two answers.
struct Request {
    destination: String,
    yes: Vec<u8>,
    no: Vec<u8>,
}

fn byte(from: &mut TcpStream) -> io::Result<u8> {
    let mut byte = [0];
    from.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn bytes(from: &mut TcpStream, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn until(from: &mut TcpStream, end: &[u8]) -> io::Result<String> {
    let mut text = Vec::new();
    while !text.ends_with(end) {
        text.push(byte(from)?);
    }
    text.truncate(text.len() - end.len());
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn socks4(caller: &mut TcpStream) -> io::Result<Request> {
    let head = bytes(caller, 7)?;
    let port = u16::from_be_bytes([head[1], head[2]]);
    until(caller, &[0])?;
    let host = match head[3..] {
        [0, 0, 0, _] => until(caller, &[0])?,
        _ => format!("{}.{}.{}.{}", head[3], head[4], head[5], head[6]),
    };
    let answer = |code| vec![0, code, 0, 0, 0, 0, 0, 0];
    Ok(Request { destination: format!("{host}:{port}"), yes: answer(90), no: answer(91) })
}

fn socks5(caller: &mut TcpStream, manner: Manner) -> io::Result<Option<Request>> {
    let count = byte(caller)?;
    let methods = bytes(caller, count.into())?;
    match manner.login {
        Some(_) if !methods.contains(&2) => {
            caller.write_all(&[5, 0xFF])?;
            return Ok(None);
        }
        Some((user, password)) => {
            caller.write_all(&[5, 2])?;
            byte(caller)?;
            let mut said = [String::new(), String::new()];
            for part in &mut said {
                let length = byte(caller)?;
                *part = String::from_utf8_lossy(&bytes(caller, length.into())?).into_owned();
            }
            let is_known = said == [user, password];
            caller.write_all(&[1, u8::from(!is_known)])?;
            if !is_known {
                return Ok(None);
            }
        }
        None => caller.write_all(&[5, 0])?,
    }
    let head = bytes(caller, 4)?;
    let host = match head[3] {
        1 => bytes(caller, 4)?.iter().map(u8::to_string).collect::<Vec<_>>().join("."),
        3 => {
            let length = byte(caller)?;
            String::from_utf8_lossy(&bytes(caller, length.into())?).into_owned()
        }
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    let port = bytes(caller, 2)?;
    let port = u16::from_be_bytes([port[0], port[1]]);
    let answer = |code| vec![5, code, 0, 1, 0, 0, 0, 0, 0, 0];
    Ok(Some(Request { destination: format!("{host}:{port}"), yes: answer(0), no: answer(5) }))
}

fn connect(caller: &mut TcpStream, manner: Manner, first: u8) -> io::Result<Option<Request>> {
    let head = char::from(first).to_string() + &until(caller, b"\r\n\r\n")?;
    let said = head.lines().find_map(|line| line.strip_prefix("Proxy-Authorization: Basic "));
    // "me:secret", as nobody here has to decode it.
    let known = manner.login.map(|_| "bWU6c2VjcmV0");
    if known != said {
        caller.write_all(
            b"HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 30\r\n\r\nHTTP/1.1 200 I was only joking",
        )?;
        return Ok(None);
    }
    let destination = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let yes = b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec();
    let no = b"HTTP/1.1 502 Bad Gateway\r\n\r\n".to_vec();
    Ok(Some(Request { destination, yes, no }))
}

fn relay(caller: TcpStream, target: TcpStream) -> io::Result<()> {
    let (mut from, mut to) = (caller.try_clone()?, target.try_clone()?);
    let out = thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (target, caller);
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
    let _ = out.join();
    Ok(())
}
