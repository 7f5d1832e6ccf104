//! Peers in clear text and under both versions of TLS, for tests that must hold under each.

use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

use streamtask::{Configuration, Duplex, Roots, Session, StreamTask};
use streamtask_testkit::{Authority, Conn, TlsSettings, Version};
use tokio::io::AsyncWrite;
use tokio::sync::watch;

use crate::support::*;

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Clear,
    Secure(Version),
}

pub(crate) const LAYERS: [Layer; 3] =
    [Layer::Clear, Layer::Secure(Version::Tls12), Layer::Secure(Version::Tls13)];

static AUTHORITY: LazyLock<Authority> = LazyLock::new(Authority::new);

impl Layer {
    fn settings(self) -> Option<TlsSettings> {
        match self {
            Layer::Clear => None,
            Layer::Secure(version) => {
                Some(TlsSettings::new(&AUTHORITY.issue(&["127.0.0.1"])).version(version))
            }
        }
    }

    /// The peer's side of getting there.
    pub(crate) async fn accept(self, conn: &mut Conn) -> std::io::Result<()> {
        match self.settings() {
            Some(settings) => conn.start_tls(&settings).await,
            None => Ok(()),
        }
    }

    /// Our side of getting there.
    pub(crate) async fn secure(self, task: &StreamTask) {
        if self != Layer::Clear {
            done(task.start_secure_connection()).await;
        }
    }

    /// The streams of a task in `session` that speaks this.
    pub(crate) async fn captured(self, session: &Session, port: u16) -> Duplex {
        let task = session.stream_task("127.0.0.1", port).expect("a task can be made");
        task.resume();
        self.secure(&task).await;
        let (input, output) = done(task.capture_streams()).await;
        input.join(output).expect("halves of one connection")
    }
}

/// Trusts these peers.
pub(crate) fn configuration() -> Configuration {
    Configuration::default().roots(Roots::Only(vec![AUTHORITY.der()]))
}

/// Something that has not happened yet, for both sides to know of.
#[derive(Clone)]
pub(crate) struct Signal(Arc<watch::Sender<bool>>);

impl Signal {
    pub(crate) fn new() -> Self {
        Signal(Arc::new(watch::channel(false).0))
    }

    pub(crate) fn give(&self) {
        self.0.send_replace(true);
    }

    pub(crate) async fn wait(&self) {
        let mut given = self.0.subscribe();
        given.wait_for(|given| *given).await.expect("the sender is held here");
    }
}

/// Writes what is taken without waiting, says how much that was, and is not to be woken for more.
pub(crate) fn stuff(output: &mut (impl AsyncWrite + Unpin)) -> usize {
    let mut cx = Context::from_waker(Waker::noop());
    let mut count = 0;
    while let Poll::Ready(taken) = Pin::new(&mut *output).poll_write(&mut cx, &[7; 40_000]) {
        count += taken.expect("the peer is there");
    }
    count
}
