//! From a suspended task to the moment at which bytes may flow, within one limit in time.

use std::cell::Cell;

use streamtask::{
    Attempt, Error, ErrorKind, EventKind, Limit, Operation, SecureOptions, StreamTask, TlsInfo,
};

use super::dialogue::{self, Stop};
use super::distrust;
use super::verbose::Verbose;
use crate::args::ConnectArgs;
use crate::report::{Exit, Failure};
use crate::starttls::Protocol;
use crate::text::printable;

/// A connection that is being opened.
pub(super) struct Opening<'a> {
    task: &'a StreamTask,
    endpoint: &'a str,
    args: &'a ConnectArgs,
    verbose: Verbose,
    stage: Cell<Stage>,
}

/// How far it has come.
#[derive(Clone, Copy)]
enum Stage {
    Connecting,
    Asking(Protocol),
    /// TLS from the first byte.
    Securing,
    /// TLS behind the server's go-ahead.
    Upgrading,
}

impl<'a> Opening<'a> {
    pub(super) fn new(
        task: &'a StreamTask,
        endpoint: &'a str,
        args: &'a ConnectArgs,
        verbose: Verbose,
    ) -> Self {
        Opening { task, endpoint, args, verbose, stage: Cell::new(Stage::Connecting) }
    }

    /// Connects, and starts TLS as the options want it.
    pub(super) async fn open(&self) -> Result<(), Failure> {
        let Some(limit) = self.args.timeout.0 else { return self.steps().await };
        match tokio::time::timeout(limit, self.steps()).await {
            Ok(outcome) => outcome,
            Err(_) => {
                // Or it would go on trying, with nobody to wait for it.
                self.task.cancel();
                Err(self.too_late())
            }
        }
    }

    async fn steps(&self) -> Result<(), Failure> {
        // Queued before anything happens, so that not a byte is ever clear text.
        let at_once = self.args.tls.then(|| self.start());
        self.connect_in_time().await?;
        match (at_once, self.args.starttls) {
            (Some(securing), _) => {
                self.stage.set(Stage::Securing);
                self.secure(securing).await
            }
            (None, Some(protocol)) => {
                self.stage.set(Stage::Asking(protocol));
                self.ask(protocol).await?;
                self.stage.set(Stage::Upgrading);
                self.secure(self.start()).await
            }
            (None, None) => Ok(()),
        }
    }

    async fn connect_in_time(&self) -> Result<(), Failure> {
        let Some(limit) = self.args.way.connect_timeout.and_then(|limit| limit.0) else {
            return self.connect().await;
        };
        match tokio::time::timeout(limit, self.connect()).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.task.cancel();
                Err(self.too_late())
            }
        }
    }

    async fn connect(&self) -> Result<(), Failure> {
        let mut events = self.task.events();
        self.task.resume();
        while let Some(event) = events.next().await {
            match event.kind {
                EventKind::Connected => break,
                EventKind::Finished(Err(error)) => return Err(self.failure(&error)),
                _ => {}
            }
        }
        self.tell_the_way();
        Ok(())
    }

    fn tell_the_way(&self) {
        for attempt in self.task.attempts() {
            if attempt.error.is_some() {
                self.verbose.event(&attempt.to_string());
            }
        }
        let address = self.task.remote_address().map(|address| address.to_string());
        let address = address.unwrap_or_default();
        match self.args.way.proxy.is_empty() {
            true => self.verbose.event(&format!("connected to {address}")),
            // With `env` that may be the host itself.
            false => self.verbose.event(&format!("connected by way of {address}")),
        }
    }

    async fn ask(&self, protocol: Protocol) -> Result<(), Failure> {
        dialogue::ask(self.task, protocol, self.verbose).await.map_err(|stop| match stop {
            Stop::Lost(error) => self.failure(&error),
            Stop::Refused(refusal) => {
                Failure::new(Exit::Refused, self.tried(), refusal.to_string(), refusal.hint())
            }
        })
    }

    fn start(&self) -> Operation<TlsInfo> {
        let mut options = SecureOptions::default();
        options.server_name = self.args.trust.server_name.clone();
        self.task.start_secure_connection_with(options)
    }

    async fn secure(&self, securing: Operation<TlsInfo>) -> Result<(), Failure> {
        let info = securing.await.map_err(|error| self.failure(&error))?;
        self.verbose.event(&describe(&info));
        Ok(())
    }

    fn failure(&self, error: &Error) -> Failure {
        let failure = Failure::of(error, self.tried());
        let advice = match (self.stage.get(), error.kind()) {
            // A greeting, most likely. Behind a go-ahead it would be something worse.
            (Stage::Securing, ErrorKind::UnexpectedClearText { .. }) => {
                Some("the port begins in clear text: is --starttls PROTOCOL what it wants?".into())
            }
            _ => distrust::advice(error, &self.args.trust),
        };
        match advice {
            Some(advice) => failure.advise(advice),
            None => failure,
        }
    }

    fn tried(&self) -> String {
        let endpoint = self.endpoint;
        match self.stage.get() {
            Stage::Connecting => format!("connecting to {endpoint}"),
            Stage::Asking(protocol) => format!("asking {endpoint} for TLS in {protocol}"),
            Stage::Securing | Stage::Upgrading => format!("starting TLS with {endpoint}"),
        }
    }

    fn too_late(&self) -> Failure {
        let limit = match self.stage.get() {
            Stage::Connecting => Limit::Connect,
            Stage::Asking(_) => Limit::Read,
            Stage::Securing | Stage::Upgrading => Limit::SecureStart,
        };
        let error = Error::new(ErrorKind::TimedOut(limit));
        match (limit, self.tried_so_far()) {
            (Limit::Connect, Some(tried)) => self.failure(&error.with_detail(tried)),
            _ => self.failure(&error),
        }
    }

    /// Which addresses were tried, and what they came to.
    fn tried_so_far(&self) -> Option<String> {
        let attempts = self.task.attempts();
        let told: Vec<String> = attempts.iter().map(Attempt::to_string).collect();
        (!told.is_empty()).then(|| format!("tried {}", told.join(", ")))
    }
}

fn describe(info: &TlsInfo) -> String {
    let alpn = info.alpn().map(|name| format!(", speaks {}", printable(name)));
    format!(
        "{}, {}, as {}{}",
        info.version(),
        info.cipher_suite_name(),
        info.server_name(),
        alpn.unwrap_or_default()
    )
}
