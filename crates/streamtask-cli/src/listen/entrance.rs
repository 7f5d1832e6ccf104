//! Where connections come in, one after the other, whatever happens to single ones.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::args::ListenArgs;
use crate::report::Failure;
use crate::shortage::{is_about_caller, is_shortage};
use crate::stdio;

/// A socket that listens.
pub(super) struct Entrance {
    listener: TcpListener,
    /// When this machine ran short of something last.
    shortage: Option<Instant>,
}

impl Entrance {
    pub(super) async fn open(args: &ListenArgs) -> Result<Self, Failure> {
        let host = args.host.trim_start_matches('[').trim_end_matches(']');
        let tried = || format!("listening on {host} port {}", args.port);
        let listener = TcpListener::bind((host, args.port)).await;
        let listener = listener.map_err(|error| Failure::local(tried(), &error))?;
        Ok(Entrance { listener, shortage: None })
    }

    /// Where callers find it.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Takes the next connection. Those that cannot be taken now wait; those that went away are passed over.
    pub(super) async fn next(&mut self) -> Result<(TcpStream, SocketAddr), Failure> {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    // Small pieces are to leave at once; a socket that the peer has reset may refuse.
                    let _ = stream.set_nodelay(true);
                    return Ok((stream, address));
                }
                Err(error) if is_shortage(&error) => self.wait_out(&error).await,
                Err(error) if is_about_caller(&error) => {}
                Err(error) => return Err(Failure::local("accepting a connection", &error)),
            }
        }
    }

    async fn wait_out(&mut self, error: &io::Error) {
        if self.shortage.is_none_or(|last| last.elapsed() > QUIET) {
            stdio::tell(&format!("{YELLOW}warning:{YELLOW:#} new connections wait: {error}\n"));
        }
        self.shortage = Some(Instant::now());
        sleep(PAUSE).await;
    }
}

/// How soon to look again: nobody tells when another process gives something back.
const PAUSE: Duration = Duration::from_millis(100);

/// After so long without one, a shortage is a new one and worth another word.
const QUIET: Duration = Duration::from_secs(60);

const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
