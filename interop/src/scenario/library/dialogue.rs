//! A stream task that speaks in lines.

use std::time::Duration;

use streamtask::{Configuration, ErrorKind, Roots, Session, StreamTask, TlsVersion};

use crate::scenario::Scene;
use crate::scenario::script::Exchange;
use crate::server::Ending;
use crate::trouble::{Attempt, Context};

/// For each single operation; servers on loopback answer in milliseconds.
const SOON: Duration = Duration::from_secs(5);
/// More than any line of these protocols (RFC 5321 has 512, RFC 7162 has 8192).
const LONGEST: usize = 8192;

/// A stream task that speaks in lines. Dropping it cancels the task.
pub(super) struct Dialogue(StreamTask);

impl Dialogue {
    /// Begins to connect to `port`, for one version of TLS and one root.
    pub(super) fn open(scene: Scene<'_>, port: u16) -> Attempt<Self> {
        let roots = Roots::certificates_from_pem(std::fs::read(&scene.pki.root)?)?;
        let configuration = Configuration::default()
            .timeout_for_request(SOON)
            .roots(Roots::Only(roots))
            .tls_minimum(scene.version)
            .tls_maximum(scene.version);
        let task = Session::new(configuration)?.stream_task("localhost", port)?;
        task.resume();
        Ok(Dialogue(task))
    }

    /// Says and hears each in turn.
    pub(super) async fn hold(&self, exchanges: &[Exchange]) -> Attempt {
        for exchange in exchanges {
            self.exchange(*exchange).await.doing(|| format!("{:?}", exchange.say))?;
        }
        Ok(())
    }

    async fn exchange(&self, Exchange { say, hear }: Exchange) -> Attempt {
        if !say.is_empty() {
            self.0.write(format!("{say}\r\n"), SOON).await?;
        }
        let mut heard = String::new();
        loop {
            let line = self.line().await.doing(|| format!("no {hear:?} in {heard:?}"))?;
            heard.push_str(&line);
            if line.starts_with(hear) {
                return Ok(());
            }
        }
    }

    async fn line(&self) -> Attempt<String> {
        let read = self.0.read_until("\n", LONGEST, SOON).await?;
        Ok(String::from_utf8_lossy(&read.data).into_owned())
    }

    /// Starts TLS, in `version`.
    pub(super) async fn secure(&self, version: TlsVersion) -> Attempt {
        let tls = self.0.start_secure_connection().await.doing(|| "starting TLS".into())?;
        match tls.version() {
            agreed if agreed == version => Ok(()),
            other => Err(format!("{other:?} was agreed on").into()),
        }
    }

    /// Stops TLS.
    pub(super) async fn unsecure(&self) -> Attempt {
        self.0.stop_secure_connection().await.doing(|| "stopping TLS".into())
    }

    /// Says goodbye and waits for the server to close; where there is no word for that, closes
    /// first.
    pub(super) async fn end(&self, goodbye: Option<Exchange>, ending: Ending) -> Attempt {
        match goodbye {
            Some(goodbye) => self.hold(&[goodbye]).await?,
            None => self.0.close_write(),
        }
        match (self.0.read_data(1..=LONGEST, SOON).await, ending) {
            (Ok(rest), Ending::Clean) if rest.data.is_empty() => Ok(()),
            (Ok(rest), _) => Err(format!("{rest:?} at the end").into()),
            (Err(error), Ending::Cut) if error.kind() == ErrorKind::Truncated => Ok(()),
            (Err(error), _) => Err(error).doing(|| "at the end".into()),
        }
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
