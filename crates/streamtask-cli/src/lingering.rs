//! Connections that are over for us but not for the system: what was written is still on its way.

use tokio::task::JoinSet;

/// Closes under way.
#[derive(Default)]
pub(crate) struct Lingering(JoinSet<()>);

impl Lingering {
    /// Lets a close go on beside everything else.
    pub(crate) fn add(&mut self, close: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(close);
    }

    /// Waits for all of them; the end of the process would cut them short.
    pub(crate) async fn over(mut self) {
        while self.0.join_next().await.is_some() {}
    }
}
