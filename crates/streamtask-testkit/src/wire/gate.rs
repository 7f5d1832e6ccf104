//! What holds traffic up or ends it: the test's orders, as relays see them.
//!
//! Its place: one per relayed connection, fed by the relay's accept loop.

use tokio::sync::watch;

/// The orders in force.
#[derive(Default)]
pub(super) struct Traffic {
    pub(super) stalled: bool,
    pub(super) resets: u64,
}

/// One connection's view of the orders.
#[derive(Clone)]
pub(super) struct Gate {
    traffic: watch::Receiver<Traffic>,
    /// Resets from before this connection do not concern it.
    resets: u64,
}

impl Gate {
    pub(super) fn new(traffic: watch::Receiver<Traffic>) -> Self {
        let resets = traffic.borrow().resets;
        Self { traffic, resets }
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.traffic.borrow().stalled
    }

    /// Waits until traffic flows.
    pub(super) async fn flowing(&mut self) {
        // An error means the relay is being dropped, and this connection with it.
        let _ = self.traffic.wait_for(|traffic| !traffic.stalled).await;
    }

    /// Waits until this connection is to be reset.
    pub(super) async fn reset(mut self) {
        let _ = self.traffic.wait_for(|traffic| traffic.resets > self.resets).await;
    }
}
