//! What becomes of an accepted connection: an echo, or stdin and stdout.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::closing::{FOR_AN_ALERT, FOR_DATA, Stream, close};
use super::pipes::{Incoming, Outgoing, State, lost};
use crate::lingering::Lingering;
use crate::relay::relay;
use crate::report::{Exit, Failure};

/// Where connections come in, and whether they pass TLS.
#[derive(Clone)]
pub(super) struct Door {
    acceptor: Option<TlsAcceptor>,
}

impl Door {
    pub(super) fn new(acceptor: Option<TlsAcceptor>) -> Self {
        Door { acceptor }
    }

    /// Sends back what comes, to the peer's end.
    pub(super) async fn echo(
        self,
        stream: TcpStream,
        address: SocketAddr,
        lingering: &mut Lingering,
    ) -> Result<(), Failure> {
        let mut stream = self.enter(stream, address, lingering).await?;
        let (mut input, mut output) = tokio::io::split(&mut stream);
        let echoed = async {
            tokio::io::copy(&mut input, &mut output).await?;
            output.shutdown().await
        };
        let echoed = echoed.await;
        lingering.add(close(stream, FOR_DATA));
        echoed.map_err(|error| lost("echoing to", address, &error))
    }

    /// The same for one of many, whose failure is its own.
    pub(super) async fn echo_and_tell(self, stream: TcpStream, address: SocketAddr) {
        let mut lingering = Lingering::default();
        if let Err(failure) = self.echo(stream, address, &mut lingering).await {
            failure.report();
        }
        lingering.over().await;
    }

    /// Ties stdin and stdout to it, to the peer's end.
    pub(super) async fn tie(
        self,
        stream: TcpStream,
        address: SocketAddr,
        lingering: &mut Lingering,
    ) -> Result<(), Failure> {
        let mut stream = self.enter(stream, address, lingering).await?;
        let (input, output) = tokio::io::split(&mut stream);
        let mut outgoing = Outgoing::new(output, address);
        let tied = relay(Incoming::new(input, address), &mut outgoing).await;
        let limit = match outgoing.state() {
            State::Silent => Duration::ZERO,
            State::Written => FOR_DATA,
        };
        lingering.add(close(stream, limit));
        tied
    }

    async fn enter(
        self,
        stream: TcpStream,
        address: SocketAddr,
        lingering: &mut Lingering,
    ) -> Result<Box<dyn Stream>, Failure> {
        let Some(acceptor) = self.acceptor else { return Ok(Box::new(stream)) };
        match acceptor.accept(stream).into_fallible().await {
            Ok(stream) => Ok(Box::new(stream)),
            Err((error, stream)) => {
                lingering.add(close(stream, FOR_AN_ALERT));
                Err(refused(address, &error))
            }
        }
    }
}

/// Whoever connected does not speak TLS, or does not trust us.
fn refused(address: SocketAddr, error: &io::Error) -> Failure {
    let next =
        "does the other end speak TLS, and trust us (--write-ca FILE here, --ca FILE there)?";
    Failure::explained(Exit::Insecure, format!("starting TLS with {address}"), error, next)
}
