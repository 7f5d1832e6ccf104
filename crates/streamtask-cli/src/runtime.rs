//! What the command runs on, and the way out of it on Ctrl-C.

use std::process;

use tokio::runtime::{Builder, Runtime};

use crate::report::{Exit, Failure};

/// Makes the runtime.
pub(crate) fn start() -> Result<Runtime, Failure> {
    let starting = |error| Failure::local("starting", &error);
    let runtime =
        Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(starting)?;
    runtime.spawn(leave_on_interrupt());
    Ok(runtime)
}

/// Ends the program from a thread of the runtime, because the main one may be waiting for a file or for
/// whoever reads stderr.
async fn leave_on_interrupt() {
    if tokio::signal::ctrl_c().await.is_ok() {
        process::exit(Exit::Interrupted.code());
    }
}
