//! The server of the demo: one connection, a dialogue in the manner of SMTP, TLS on and off.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::wire::{Heard, Wire};
use crate::certificate::Certificate;

/// A server under way. Dropping it lets it run on; it ends with its client.
pub(super) struct Peer {
    address: SocketAddr,
    running: JoinHandle<io::Result<()>>,
}

impl Peer {
    /// Listens on a port the system picks, for one client.
    pub(super) async fn start(certificate: Certificate) -> io::Result<Self> {
        let config = certificate.into_server().map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let running = tokio::spawn(async move {
            let (socket, _) = listener.accept().await?;
            converse(socket, config).await
        });
        Ok(Peer { address, running })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for its end.
    pub(super) async fn finish(self) -> io::Result<()> {
        self.running.await?
    }
}

async fn converse(socket: TcpStream, config: Arc<ServerConfig>) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut wire = Wire::new(socket);
    wire.write(b"220 demo.example ready\r\n").await?;
    while let Some(line) = wire.line().await? {
        answer(&mut wire, &config, &line).await?;
    }
    // The client has closed its side. Ours is still open, for what there is to say about it all.
    wire.write(farewell(wire.heard()).as_bytes()).await?;
    wire.end().await
}

/// The last line of the peer: what it has counted.
pub(super) fn farewell(heard: Heard) -> String {
    format!("221 I heard {} bytes in clear text, {} under TLS\r\n", heard.clear, heard.secure)
}

async fn answer(wire: &mut Wire, config: &Arc<ServerConfig>, line: &str) -> io::Result<()> {
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    match (command, wire.is_secure()) {
        ("EHLO", false) => wire.write(b"250-demo.example\r\n250 STARTTLS\r\n").await,
        ("EHLO", true) => wire.write(b"250-demo.example\r\n250-ECHO\r\n250 STOPTLS\r\n").await,
        ("STARTTLS", false) => {
            wire.write(b"220 go ahead\r\n").await?;
            wire.start_tls(config.clone()).await
        }
        ("ECHO", true) => echo(wire, rest.parse().map_err(io::Error::other)?).await,
        ("STOPTLS", true) => {
            wire.stop_tls(b"220 stopping TLS\r\n", b"250 clear text, glued to the end of TLS\r\n")
                .await
        }
        ("NOOP", _) => wire.write(b"250 still here\r\n").await,
        _ => wire.write(b"500 what?\r\n").await,
    }
}

async fn echo(wire: &mut Wire, mut left: usize) -> io::Result<()> {
    while left > 0 {
        let bytes = wire.bytes(left).await?;
        wire.write(&bytes).await?;
        left -= bytes.len();
    }
    Ok(())
}
