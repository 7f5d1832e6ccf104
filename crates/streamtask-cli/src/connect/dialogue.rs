//! Carries a STARTTLS conversation out on a task. What is said is decided in `starttls`.

use streamtask::{Error, ErrorKind, ReadData, StreamTask, Timeout};

use super::verbose::Verbose;
use crate::starttls::{Machine, Next, Protocol, Refusal, Unit};

/// As long as a line may be: generous beside the 512 bytes of RFC 5321, 4.5.3.1.5.
const LONGEST_LINE: usize = 8192;

/// As many units as a server may say before the go-ahead; real ones need a few dozen.
const MOST_UNITS: usize = 1000;

/// Asks the server for TLS. After that its next byte belongs to TLS, and the library sees to it that
/// nothing lies between.
pub(super) async fn ask(
    task: &StreamTask,
    protocol: Protocol,
    verbose: Verbose,
) -> Result<(), Stop> {
    let mut machine = protocol.machine(&our_name(task));
    Talk { task, verbose }.hold(&mut *machine).await
}

/// Why a conversation ended before its time.
pub(super) enum Stop {
    Refused(Refusal),
    Lost(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Lost(error)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Stop::Refused(refusal)
    }
}

struct Talk<'a> {
    task: &'a StreamTask,
    verbose: Verbose,
}

impl Talk<'_> {
    async fn hold(&self, machine: &mut dyn Machine) -> Result<(), Stop> {
        let mut next = machine.begin();
        for _ in 0..MOST_UNITS {
            match next {
                Next::Listen => {}
                Next::Say(line) => self.say(machine, line.as_bytes(), b"\r\n").await?,
                Next::Send(bytes) => self.say(machine, bytes, b"").await?,
                Next::Secure => return Ok(()),
            }
            let unit = self.hear(machine.unit()).await?;
            next = machine.hear(&unit)?;
        }
        Err(Refusal::Endless.into())
    }

    async fn say(&self, machine: &dyn Machine, words: &[u8], end: &[u8]) -> Result<(), Stop> {
        self.expect_silence(machine).await?;
        self.verbose.sent(words);
        Ok(self.task.write([words, end].concat(), Timeout::NEVER).await?)
    }

    /// Nothing may have been said when it is our turn, or it would be taken for the answer.
    async fn expect_silence(&self, machine: &dyn Machine) -> Result<(), Stop> {
        loop {
            let unit = tokio::select! {
                biased;
                unit = self.hear(machine.unit()) => unit?,
                // One look at what has come. A read that is dropped takes nothing along.
                () = std::future::ready(()) => return Ok(()),
            };
            machine.hear_early(&unit)?;
        }
    }

    async fn hear(&self, unit: Unit) -> Result<Vec<u8>, Stop> {
        let read = match unit {
            Unit::Line => self.task.read_until("\r\n", LONGEST_LINE, Timeout::NEVER),
            Unit::Byte => self.task.read_exact(1, Timeout::NEVER),
        };
        let words = words(unit, &read.await.map_err(hung_up)?)?;
        self.verbose.heard(&words);
        Ok(words)
    }
}

fn hung_up(error: Error) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEnd => Error::new(ErrorKind::ConnectionLost)
            .with_detail("the server hung up before it gave an answer"),
        _ => error,
    }
}

/// Takes a unit without its end.
fn words(unit: Unit, read: &ReadData) -> Result<Vec<u8>, Stop> {
    let words = match unit {
        Unit::Line => read.data.strip_suffix(b"\r\n").unwrap_or(&read.data),
        Unit::Byte => &read.data[..],
    };
    // Somebody else might see two lines where we see one (RFC 5321, 2.3.8).
    match unit {
        Unit::Line if words.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) => {
            Err(Refusal::Unexpected(words.to_vec()).into())
        }
        Unit::Line | Unit::Byte => Ok(words.to_vec()),
    }
}

/// A client without a name of its own gives its address (RFC 5321, 4.1.3). An IPv4 address is one whatever
/// kind of socket carries it.
fn our_name(task: &StreamTask) -> String {
    match task.local_address().map(|address| address.ip().to_canonical()) {
        Some(std::net::IpAddr::V4(address)) => format!("[{address}]"),
        Some(std::net::IpAddr::V6(address)) => format!("[IPv6:{address}]"),
        None => "localhost".to_owned(),
    }
}
