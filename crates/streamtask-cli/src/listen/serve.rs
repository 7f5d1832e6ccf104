//! What becomes of an accepted connection: an echo, or stdin and stdout.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::pipes::{Incoming, Outgoing, lost};
use crate::relay::relay;
use crate::report::{Exit, Failure};

/// Where connections come in, and whether they pass TLS.
#[derive(Clone)]
pub(super) struct Door {
    acceptor: Option<TlsAcceptor>,
}

/// A connection, secured or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Door {
    pub(super) fn new(acceptor: Option<TlsAcceptor>) -> Self {
        Door { acceptor }
    }

    /// Sends back what comes, to the peer's end.
    pub(super) async fn echo(self, stream: TcpStream, address: SocketAddr) -> Result<(), Failure> {
        let (mut input, mut output) = tokio::io::split(self.enter(stream, address).await?);
        let echoed = async {
            tokio::io::copy(&mut input, &mut output).await?;
            output.shutdown().await
        };
        echoed.await.map_err(|error| lost("echoing to", address, &error))
    }

    /// The same for one of many, whose failure is its own.
    pub(super) async fn echo_and_tell(self, stream: TcpStream, address: SocketAddr) {
        if let Err(failure) = self.echo(stream, address).await {
            failure.report();
        }
    }

    /// Ties stdin and stdout to it, to the peer's end.
    pub(super) async fn tie(self, stream: TcpStream, address: SocketAddr) -> Result<(), Failure> {
        let (input, output) = tokio::io::split(self.enter(stream, address).await?);
        relay(Incoming::new(input, address), Outgoing::new(output, address)).await
    }

    async fn enter(
        self,
        stream: TcpStream,
        address: SocketAddr,
    ) -> Result<Box<dyn Stream>, Failure> {
        let Some(acceptor) = self.acceptor else { return Ok(Box::new(stream)) };
        match acceptor.accept(stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(refused(address, &error)),
        }
    }
}

/// Whoever connected does not speak TLS, or does not trust us.
fn refused(address: SocketAddr, error: &io::Error) -> Failure {
    let next =
        "does the other end speak TLS, and trust us (--write-ca FILE here, --ca FILE there)?";
    Failure::explained(Exit::Insecure, format!("starting TLS with {address}"), error, next)
}
