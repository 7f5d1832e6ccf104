//! The peer: echoes what it hears, and switches TLS when the script says so.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use streamtask_testkit::{Conn, Server, Version};

use crate::layers::Layer;

/// One stretch of a connection, and how much is heard in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) is_secure: bool,
    pub(super) bytes: usize,
}

/// What it is to do on the connections to come.
#[derive(Clone, Default)]
pub(super) struct Scripts(Arc<Mutex<VecDeque<Vec<Segment>>>>);

impl Scripts {
    pub(super) fn put(&self, script: Vec<Segment>) {
        self.0.lock().expect("nobody panics under it").push_back(script);
    }

    pub(super) fn serve(&self) -> Server {
        let scripts = self.clone();
        Server::start(move |conn| {
            let script = scripts.0.lock().expect("nobody panics under it").pop_front();
            async move {
                // What a client that failed or was cancelled does to its peer is not looked at here.
                let _ = play(conn, script.expect("a script for each connection")).await;
                Ok(())
            }
        })
    }
}

async fn play(mut conn: Conn, script: Vec<Segment>) -> io::Result<()> {
    let mut was_secure = false;
    for (at, segment) in script.iter().enumerate() {
        match (was_secure, segment.is_secure) {
            (false, true) => Layer::Secure(Version::Tls13).accept(&mut conn).await?,
            (true, false) => {
                conn.wait_close_notify().await?;
                conn.send_close_notify().await?;
                conn.end_tls();
            }
            (false, false) | (true, true) => {}
        }
        was_secure = segment.is_secure;
        match script.get(at + 1) {
            None => return echo(conn).await,
            Some(next) => pass_on(&mut conn, *segment, next.is_secure, at == 0).await?,
        }
    }
    Ok(())
}

/// What is heard before a switch: the first byte is answered, and all that is heard under TLS. In clear text
/// that comes before TLS an answer could be taken for an injected one.
async fn pass_on(
    conn: &mut Conn,
    segment: Segment,
    starts: bool,
    is_first: bool,
) -> io::Result<()> {
    let mut left = segment.bytes;
    if is_first && left > 0 {
        let first = conn.read_exact(1).await?;
        conn.write(first).await?;
        left -= 1;
    }
    if starts {
        return conn.read_exact(left).await.map(drop);
    }
    while left > 0 {
        let heard = conn.read().await?;
        left = left.saturating_sub(heard.len().max(1));
        conn.write(heard).await?;
    }
    Ok(())
}

async fn echo(mut conn: Conn) -> io::Result<()> {
    loop {
        let heard = conn.read().await?;
        if heard.is_empty() {
            return conn.half_close().await;
        }
        conn.write(heard).await?;
    }
}
