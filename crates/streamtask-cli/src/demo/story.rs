//! The story itself: what a client of the library does, in order, and says while doing it.

use std::time::{Duration, Instant};

use streamtask::{Error, ErrorKind, EventKind, InputStream, OutputStream, StreamTask, TlsInfo};
use tokio::io::AsyncReadExt;

use super::peer::farewell;
use super::show::{Layer, Show};
use super::summary::{self, Traffic};
use super::wire::Heard;

/// No step needs more than a moment; a demo that hangs must end all the same.
const SOON: Duration = Duration::from_secs(10);

/// How much goes to the peer and back under TLS.
const ECHO: usize = 1 << 20;

/// A task and where its life is shown.
pub(super) struct Story {
    task: StreamTask,
    show: Show,
}

/// The bytes that have passed when a phase ends: sent, received.
type Counts = (u64, u64);

impl Story {
    pub(super) fn new(task: StreamTask, show: Show) -> Self {
        Story { task, show }
    }

    /// Lives the life.
    pub(super) async fn tell(&self) -> Result<(), Error> {
        let show = &self.show;
        show.phase("connect", self.connect()).await?;
        show.phase("clear text", self.ask_for_tls()).await?;
        let before_tls = self.counts();
        let info = show.phase("start TLS", self.start_tls()).await?;
        show.phase("under TLS", self.talk_under_tls()).await?;
        let under_tls = self.counts();
        show.phase("stop TLS", self.stop_tls()).await?;
        show.phase("clear text again", self.talk_in_clear()).await?;
        let at_last = self.counts();
        let ends = (self.task.local_address(), self.task.remote_address());
        let heard = heard_by_peer(before_tls, under_tls, at_last);
        let rest = show.phase("close and capture", self.close_and_capture(heard)).await?;
        let traffic = Traffic {
            clear_sent: heard.clear as u64,
            clear_received: at_last.1 - under_tls.1 + before_tls.1 + rest,
            secure_sent: heard.secure as u64,
            secure_received: under_tls.1 - before_tls.1,
        };
        summary::print(show, &info, &traffic, ends);
        Ok(())
    }

    async fn connect(&self) -> Result<(), Error> {
        let mut events = self.task.events();
        self.task.resume();
        while let Some(event) = events.next().await {
            match event.kind {
                EventKind::Connected => break,
                EventKind::Finished(Err(error)) => return Err(error),
                _ => {}
            }
        }
        let from = self.task.local_address().map_or_else(String::new, |from| from.to_string());
        self.show.event(&format!("connected, from {from}"));
        Ok(())
    }

    async fn ask_for_tls(&self) -> Result<(), Error> {
        self.hear().await?;
        self.say("EHLO client.example").await?;
        self.hear().await?;
        self.say("STARTTLS").await?;
        self.hear().await
    }

    async fn start_tls(&self) -> Result<TlsInfo, Error> {
        self.show.event("start_secure_connection()");
        let info = self.task.start_secure_connection().await?;
        self.show.set_layer(Layer::Tls);
        self.show.event(&format!("{}, {}", info.version(), info.cipher_suite_name()));
        Ok(info)
    }

    async fn talk_under_tls(&self) -> Result<(), Error> {
        self.say("EHLO client.example").await?;
        self.hear().await?;
        self.say(&format!("ECHO {ECHO}")).await?;
        self.echo().await?;
        self.say("STOPTLS").await?;
        self.hear().await
    }

    async fn echo(&self) -> Result<(), Error> {
        let sent: Vec<u8> = (0..ECHO).map(|place| (place % 251) as u8).collect();
        // From what is shown to what is shown, so that the figure agrees with the times beside it.
        let began = Instant::now();
        self.show.sent("1 MiB of data, while it comes back:");
        let (_, heard) = tokio::try_join!(
            self.task.write(sent.clone(), SOON),
            self.task.read_exact(sent.len(), SOON),
        )?;
        if heard.data != sent {
            return Err(Error::new(ErrorKind::Unknown).with_detail("the echo differs"));
        }
        let rate = 2.0 * sent.len() as f64 / began.elapsed().as_secs_f64() / f64::from(1 << 20);
        self.show.heard(&format!("1 MiB, the same bytes, at {rate:.0} MiB/s both ways together"));
        Ok(())
    }

    async fn stop_tls(&self) -> Result<(), Error> {
        self.show.event("stop_secure_connection()");
        self.task.stop_secure_connection().await?;
        self.show.set_layer(Layer::Clear);
        self.show.event("both ends have said close_notify");
        Ok(())
    }

    async fn talk_in_clear(&self) -> Result<(), Error> {
        self.hear().await?;
        self.say("NOOP").await?;
        self.hear().await
    }

    /// Gives back how many bytes came out of the captured stream.
    async fn close_and_capture(&self, expected: Heard) -> Result<u64, Error> {
        self.show.event("close_write(): we have said everything");
        self.task.close_write();
        self.show.event("capture_streams(): the two streams are ours, for any other API");
        let (mut input, output): (InputStream, OutputStream) = self.task.capture_streams().await?;
        let mut rest = String::new();
        let read = tokio::time::timeout(SOON, input.read_to_string(&mut rest)).await;
        let lost = |why: &str| Error::new(ErrorKind::ConnectionLost).with_detail(why);
        read.map_err(|_| lost("no farewell came"))?
            .map_err(|error| lost("the farewell was cut off").caused_by(error))?;
        drop(output);
        self.show.heard(rest.trim_end());
        match rest == farewell(expected) {
            true => Ok(rest.len() as u64),
            false => {
                Err(Error::new(ErrorKind::Unknown).with_detail("the peer counted differently"))
            }
        }
    }

    async fn say(&self, words: &str) -> Result<(), Error> {
        self.show.sent(words);
        self.task.write(format!("{words}\r\n"), SOON).await
    }

    /// Hears one reply, to its last line.
    async fn hear(&self) -> Result<(), Error> {
        loop {
            let line = self.task.read_until("\r\n", 512, SOON).await?.data;
            self.show.heard(String::from_utf8_lossy(&line).trim_end());
            if line.get(3) != Some(&b'-') {
                return Ok(());
            }
        }
    }

    fn counts(&self) -> Counts {
        (self.task.bytes_sent(), self.task.bytes_received())
    }
}

/// What the peer must have counted, if nothing was lost or doubled.
fn heard_by_peer(before_tls: Counts, under_tls: Counts, at_last: Counts) -> Heard {
    let secure = under_tls.0 - before_tls.0;
    let count = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    Heard { clear: count(at_last.0 - secure), secure: count(secure) }
}
