//! A blocking client over plain rustls, so that the testkit is tried by something else than itself.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, RootCertStore};
use streamtask_testkit::{Authority, Certificate};

/// A connection to a port of 127.0.0.1.
pub(crate) fn connect(port: u16) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port)).expect("the peer listens")
}

/// Everything up to the FIN.
pub(crate) fn rest(mut from: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).expect("the peer ends in order");
    bytes
}

/// A configuration that trusts this authority.
pub(crate) fn trusting(authority: &Authority, identity: Option<&Certificate>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der()).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("both versions")
        .with_root_certificates(roots);
    match identity {
        None => builder.with_no_client_auth(),
        Some(own) => builder.with_client_auth_cert(own.chain(), own.key()).expect("a fitting key"),
    }
}

/// A client that can turn TLS on and off.
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    pub(crate) tls: Option<ClientConnection>,
}

impl Client {
    pub(crate) fn clear(port: u16) -> Self {
        Self { socket: connect(port), tls: None }
    }

    pub(crate) fn secure(port: u16, config: &Arc<ClientConfig>) -> io::Result<Self> {
        let mut client = Self::clear(port);
        client.start_tls(config)?;
        Ok(client)
    }

    pub(crate) fn start_tls(&mut self, config: &Arc<ClientConfig>) -> io::Result<()> {
        let name = "localhost".try_into().expect("a DNS name");
        let mut tls = ClientConnection::new(config.clone(), name).expect("a client");
        while tls.is_handshaking() {
            tls.complete_io(&mut self.socket)?;
        }
        self.tls = Some(tls);
        Ok(())
    }

    pub(crate) fn tls(&mut self) -> &mut ClientConnection {
        self.tls.as_mut().expect("TLS is on")
    }

    /// Answers the peer's close_notify with ours and goes on in clear.
    pub(crate) fn stop_tls(&mut self) {
        assert_eq!(self.read(&mut [0]).expect("a close_notify"), 0);
        self.tls().send_close_notify();
        let mut out = Vec::new();
        self.tls().write_tls(&mut out).expect("a vector");
        self.socket.write_all(&out).expect("sent");
        self.tls = None;
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let mut byte = [0];
            self.read_exact(&mut byte).expect("a whole line");
            line.push(byte[0]);
        }
        String::from_utf8(line).expect("text").trim_end().to_owned()
    }

    pub(crate) fn say(&mut self, line: &str) -> String {
        self.write_all(format!("{line}\r\n").as_bytes()).expect("sent");
        self.line()
    }
}

impl Read for Client {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => self.socket.read(buf),
            Some(tls) => rustls::Stream::new(tls, &mut self.socket).read(buf),
        }
    }
}

impl Write for Client {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => self.socket.write(buf),
            Some(tls) => rustls::Stream::new(tls, &mut self.socket).write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}
