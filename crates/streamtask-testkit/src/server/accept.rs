//! The loop of a server's thread: accept, start scripts, collect their ends.
//!
//! Its place: run by [`Server`](super::Server) on its own runtime; ends when told to finish and
//! all scripts are done, or is dropped where it stands.

use std::future::Future;
use std::io;
use std::net;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinError;
use tokio::task::JoinSet;

use super::{Failure, Ledger};
use crate::Conn;
use crate::port;

pub(super) async fn run<F, Fut>(
    listener: net::TcpListener,
    script: Arc<F>,
    ledger: Arc<Ledger>,
    finish: watch::Receiver<bool>,
) where
    F: Fn(Conn) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = port::adopt(listener);
    let mut scripts = Scripts { script, ledger, finish: finish.clone(), running: JoinSet::new() };
    let mut finish = finish;
    loop {
        tokio::select! {
            biased;
            Some(end) = scripts.running.join_next() => scripts.note(end),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => scripts.begin(stream),
                Err(error) => return scripts.ledger.fail(Failure::Error(error)),
            },
            _ = finish.wait_for(|finishing| *finishing) => break,
        }
    }
    scripts.begin_waiting(listener);
    while let Some(end) = scripts.running.join_next().await {
        scripts.note(end);
    }
}

struct Scripts<F> {
    script: Arc<F>,
    ledger: Arc<Ledger>,
    finish: watch::Receiver<bool>,
    running: JoinSet<io::Result<()>>,
}

impl<F, Fut> Scripts<F>
where
    F: Fn(Conn) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = io::Result<()>> + Send + 'static,
{
    fn begin(&mut self, stream: TcpStream) {
        self.ledger.accepted.fetch_add(1, Ordering::SeqCst);
        let conn = Conn::new(stream, self.finish.clone());
        let script = self.script.clone();
        // The call is inside the task too, so that a panic of the closure is caught like the rest.
        self.running.spawn(async move { script(conn).await });
    }

    /// A client may have connected just before the test said finish: its script counts.
    fn begin_waiting(&mut self, listener: tokio::net::TcpListener) {
        // The runtime only knows of connections it has polled for; the system knows of all.
        let listener = listener.into_std().expect("a listener can leave its runtime");
        while let Ok((stream, _)) = listener.accept() {
            self.begin(port::adopt_stream(stream));
        }
    }

    fn note(&self, end: Result<io::Result<()>, JoinError>) {
        self.ledger.ended.fetch_add(1, Ordering::SeqCst);
        match end {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.ledger.fail(Failure::Error(error)),
            Err(error) => self.ledger.fail(Failure::Panic(error.into_panic())),
        }
    }
}
