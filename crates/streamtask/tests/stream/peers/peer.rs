//! The peer: what it has heard when it says its last words, and how it ends right behind them.

use std::io;

use streamtask_testkit::{Conn, Server};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::kernel;
use crate::layers::Layer;
use crate::support::*;

pub(crate) const GREETING: &str = "220 here I am\r\n";
/// What a client says first.
pub(crate) const LINE: &str = "QUIT\r\n";
pub(crate) const WORDS: &str = "221 2.0.0 closing, and then some more words\r\n";

/// A peer that greets, hears, says its last words and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) layer: Layer,
    pub(crate) hears: Hears,
    pub(crate) ending: Ending,
}

/// What it has read when it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hears {
    /// The client's line, and whatever came along with it.
    Line,
    /// Nothing, though something lies unread in its socket.
    Nothing,
    /// Everything, up to the client's end.
    ToEnd,
}

/// How it ends, right behind its last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// FIN, under TLS behind close_notify; it reads on.
    Fin,
    /// The same, with words, close_notify and FIN in one segment.
    FinInOne,
    /// close_notify, and no FIN before the client has ended; it reads on.
    Notify,
    /// FIN without close_notify; it reads on.
    Cut,
    /// It closes its socket, under TLS behind close_notify.
    Close,
    /// It closes its socket without close_notify.
    CutClose,
    /// A reset.
    Reset,
    /// close_notify and a reset.
    NotifyReset,
}

impl Ending {
    const IN_CLEAR: [Ending; 4] = [Ending::Fin, Ending::FinInOne, Ending::Close, Ending::Reset];
    const UNDER_TLS: [Ending; 8] = [
        Ending::Fin,
        Ending::FinInOne,
        Ending::Notify,
        Ending::Cut,
        Ending::Close,
        Ending::CutClose,
        Ending::Reset,
        Ending::NotifyReset,
    ];

    pub(crate) fn reads_on(self) -> bool {
        matches!(self, Ending::Fin | Ending::FinInOne | Ending::Notify | Ending::Cut)
    }

    pub(crate) fn says_close_notify(self) -> bool {
        !matches!(self, Ending::Cut | Ending::CutClose | Ending::Reset)
    }
}

/// What a peer has heard of one client, all in all.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) bytes: String,
    /// Whether it waited for the client's end, and that was one: FIN, under TLS behind close_notify.
    pub(crate) has_clean_end: bool,
}

impl Peer {
    /// All there are on this layer.
    pub(crate) fn all(layer: Layer) -> impl Iterator<Item = Peer> {
        let endings = match layer {
            Layer::Clear => &Ending::IN_CLEAR[..],
            Layer::Secure(_) => &Ending::UNDER_TLS[..],
        };
        endings.iter().flat_map(move |&ending| {
            let hears = [Hears::Line, Hears::Nothing, Hears::ToEnd];
            hears.into_iter().map(move |hears| Peer { layer, hears, ending })
        })
    }

    /// Plays it for every connection, and says what it heard once each is over.
    pub(crate) fn serve(self) -> (Server, UnboundedReceiver<Heard>) {
        let (sender, heard) = unbounded_channel();
        let server = Server::start(move |conn| {
            let sender = sender.clone();
            async move {
                match self.play(conn, sender).await {
                    // Some clients are gone by then, and a client that was reset resets in turn.
                    Err(error) if is_gone(&error) && !self.ending.reads_on() => Ok(()),
                    played => played,
                }
            }
        });
        (server, heard)
    }

    async fn play(self, mut conn: Conn, report: UnboundedSender<Heard>) -> io::Result<()> {
        self.layer.accept(&mut conn).await?;
        conn.write(GREETING).await?;
        let mut bytes = self.hear(&mut conn).await?;
        conn.hold();
        conn.write(WORDS).await?;
        if let Some(mut conn) = self.end(conn).await? {
            if self.hears != Hears::ToEnd {
                bytes.extend_from_slice(&conn.read_to_end().await?);
            }
            conn.half_close_raw().await?;
            conn.wait_closed().await?;
        }
        let bytes = String::from_utf8_lossy(&bytes).into_owned();
        let has_clean_end = self.hears == Hears::ToEnd || self.ending.reads_on();
        let _ = report.send(Heard { bytes, has_clean_end });
        Ok(())
    }

    async fn hear(self, conn: &mut Conn) -> io::Result<Vec<u8>> {
        match self.hears {
            Hears::Line => conn.read_exact(LINE.len()).await,
            Hears::Nothing => {
                let (here, there) = conn.addrs()?;
                kernel::until_unread(here, there).await;
                Ok(Vec::new())
            }
            Hears::ToEnd => conn.read_to_end().await,
        }
    }

    /// Ends, and keeps the connection if it reads on.
    async fn end(self, mut conn: Conn) -> io::Result<Option<Conn>> {
        if self.layer != Layer::Clear && self.ending.says_close_notify() {
            conn.send_close_notify().await?;
        }
        match self.ending {
            Ending::Fin => conn.half_close().await?,
            Ending::FinInOne => {
                conn.cork()?;
                conn.half_close().await?;
            }
            Ending::Cut => conn.half_close_raw().await?,
            Ending::Notify | Ending::Close | Ending::CutClose => conn.release().await?,
            Ending::Reset | Ending::NotifyReset => {
                conn.release().await?;
                conn.reset();
                return Ok(None);
            }
        }
        Ok(self.ending.reads_on().then_some(conn))
    }
}

/// Whether an error only says that the client is there no more.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionReset)
}

/// What the next connection came to.
pub(crate) async fn next(heard: &mut UnboundedReceiver<Heard>) -> Heard {
    soon(heard.recv()).await.expect("the peer is there")
}
