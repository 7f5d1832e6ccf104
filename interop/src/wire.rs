//! A look at the wire: what a client really sends, byte for byte.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::trouble::Attempt;

/// Stands between a client and a server and keeps what the client sends. Dropping it cuts the wire.
pub(crate) struct Wire {
    port: u16,
    sent: Arc<Mutex<Vec<u8>>>,
    relay: JoinHandle<()>,
}

impl Wire {
    /// Waits for one client, to be connected to the server at `port`.
    pub(crate) async fn to(port: u16) -> Attempt<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let sent = Arc::new(Mutex::new(Vec::new()));
        Ok(Wire {
            port: listener.local_addr()?.port(),
            sent: sent.clone(),
            relay: tokio::spawn(async move {
                // If it breaks, both ends see their connection close; there is nobody else to tell.
                let _ = relay(listener, port, sent).await;
            }),
        })
    }

    /// Where the client is to connect to.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Whether the client sent `text` readable for everybody.
    pub(crate) fn shows(&self, text: &str) -> bool {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

async fn relay(listener: TcpListener, port: u16, sent: Arc<Mutex<Vec<u8>>>) -> io::Result<()> {
    let (client, _) = listener.accept().await?;
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    // What is small and alone goes at once, as if nobody stood between.
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let keep = |data: &[u8]| {
        sent.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(data);
    };
    let up = copy(from_client, to_server, keep);
    let down = copy(from_server, to_client, |_| ());
    tokio::try_join!(up, down).map(drop)
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    keep: impl Fn(&[u8]),
) -> io::Result<()> {
    let mut data = vec![0; 16 * 1024];
    loop {
        match from.read(&mut data).await? {
            0 => return to.shutdown().await,
            length => {
                keep(&data[..length]);
                to.write_all(&data[..length]).await?;
            }
        }
    }
}
