//! Being asked to stop, from the keyboard or by a signal.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::trouble::Attempt;

/// The wish that we stop. While it exists no such signal ends the program by itself, so that a
/// half-done installation is finished and every server is stopped.
pub(crate) struct Interrupt {
    keyboard: Signal,
    termination: Signal,
}

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> Attempt<Self> {
        Ok(Interrupt {
            keyboard: signal(SignalKind::interrupt())?,
            termination: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for it.
    pub(crate) async fn comes(&mut self) {
        tokio::select! {
            _ = self.keyboard.recv() => {}
            _ = self.termination.recv() => {}
        }
    }

    /// Whether it came already.
    pub(crate) async fn has_come(&mut self) -> bool {
        tokio::time::timeout(Duration::ZERO, self.comes()).await.is_ok()
    }
}
