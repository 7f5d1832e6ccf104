//! The work, done with tokio and tokio-rustls as a plain user would.
//!
//! There is a `timeout` around each operation, as there is in ours.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Outcome;
use crate::clock::{Moment, Sample};
use crate::server::manners::{self, KNOCK};
use crate::server::{Site, provider};
use crate::work::{BLOCK, BURST, Job, Layer, MESSAGE, MORSEL, Traffic, Work};

/// Does the work, and measures it without what comes before.
///
/// # Errors
/// Whatever goes wrong.
pub(crate) async fn run(site: Site, work: Work) -> Outcome<Sample> {
    let client = Client::new(&site, work.layer)?;
    match work.job {
        Job::Connect(count) => {
            // The first connection has no earlier session to resume.
            client.knock().await?;
            let start = Moment::now()?;
            for _ in 0..count {
                work.layer.check(client.knock().await?)?;
            }
            Ok(start.elapsed()?)
        }
        Job::Carry(traffic) if client.is_secure => measure(client.secure().await?, traffic).await,
        Job::Carry(traffic) => measure(client.connect().await?, traffic).await,
    }
}

struct Client {
    address: SocketAddr,
    connector: TlsConnector,
    is_secure: bool,
}

impl Client {
    fn new(site: &Site, layer: Layer) -> Outcome<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(site.certificate.clone())?;
        // What our own default is: both versions, and sessions remembered.
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Client {
            address: site.address(layer),
            connector: Arc::new(config).into(),
            is_secure: layer != Layer::Clear,
        })
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let socket = timeout(LIMIT, TcpStream::connect(self.address)).await??;
        socket.set_nodelay(true)?;
        Ok(socket)
    }

    async fn secure(&self) -> io::Result<TlsStream<TcpStream>> {
        let socket = self.connect().await?;
        let name = ServerName::from(self.address.ip());
        timeout(LIMIT, self.connector.connect(name, socket)).await?
    }

    /// Connects, says one byte and hears one; says whether an earlier TLS session was resumed.
    async fn knock(&self) -> io::Result<bool> {
        if !self.is_secure {
            let mut socket = self.connect().await?;
            exchange(&mut socket).await?;
            return Ok(false);
        }
        let mut stream = self.secure().await?;
        exchange(&mut stream).await?;
        let is_resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
        // Ours ends TLS with close_notify too.
        timeout(LIMIT, stream.shutdown()).await??;
        Ok(is_resumed)
    }
}

/// What work needs of a connection, with TLS and without.
trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

async fn exchange(stream: &mut impl Stream) -> io::Result<()> {
    timeout(LIMIT, stream.write_all(&[KNOCK])).await??;
    timeout(LIMIT, stream.read_exact(&mut [0])).await??;
    Ok(())
}

async fn measure(mut stream: impl Stream, traffic: Traffic) -> Outcome<Sample> {
    let start = Moment::now()?;
    timeout(LIMIT, stream.write_all(&manners::greeting(traffic))).await??;
    match traffic {
        Traffic::RoundTrips(count) => round_trips(&mut stream, count).await?,
        Traffic::Bursts(count) => bursts(&mut stream, count).await?,
        Traffic::Down(length) => manners::expect(length, down(&mut stream).await?)?,
        Traffic::Up(blocks) => up(&mut stream, blocks).await?,
    }
    Ok(start.elapsed()?)
}

async fn round_trips(stream: &mut impl Stream, count: usize) -> io::Result<()> {
    let mut message = [1; MESSAGE];
    for _ in 0..count {
        timeout(LIMIT, stream.write_all(&message)).await??;
        timeout(LIMIT, stream.read_exact(&mut message)).await??;
    }
    Ok(())
}

async fn bursts(stream: &mut impl Stream, count: usize) -> io::Result<()> {
    let mut morsel = [1; MORSEL];
    for _ in 0..count {
        for _ in 0..BURST {
            timeout(LIMIT, stream.write_all(&morsel)).await??;
        }
        // tokio-rustls keeps what the socket did not take, and reading does not send it.
        timeout(LIMIT, stream.flush()).await??;
        for _ in 0..BURST {
            timeout(LIMIT, stream.read_exact(&mut morsel)).await??;
        }
    }
    Ok(())
}

async fn down(stream: &mut impl Stream) -> io::Result<u64> {
    let mut block = vec![0; BLOCK];
    let mut total = 0;
    loop {
        match timeout(LIMIT, stream.read(&mut block)).await?? {
            0 => return Ok(total),
            count => total += count as u64,
        }
    }
}

async fn up(stream: &mut impl Stream, blocks: u64) -> io::Result<()> {
    let block = vec![1; BLOCK];
    for _ in 0..blocks {
        timeout(LIMIT, stream.write_all(&block)).await??;
    }
    timeout(LIMIT, stream.shutdown()).await??;
    timeout(LIMIT, stream.read_exact(&mut [0])).await??;
    Ok(())
}

/// As long as our operations may take.
const LIMIT: Duration = Duration::from_secs(30);
