//! Which tokio runtime runs a task: the caller's, or else one in the background.

use std::sync::OnceLock;

use streamtask_proto::{Error, ErrorKind};
use tokio::runtime::{Builder, Handle, Runtime};

/// The runtime around the caller, or the library's own, which starts on first need and stays.
///
/// # Errors
/// [`ErrorKind::ResourceExhausted`] when no thread for it can be had.
pub(crate) fn handle() -> Result<Handle, Error> {
    static BACKGROUND: OnceLock<Result<Runtime, Error>> = OnceLock::new();
    if let Ok(handle) = Handle::try_current() {
        return Ok(handle);
    }
    let start = || {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("streamtask")
            .enable_all()
            .build()
            .map_err(|error| Error::new(ErrorKind::ResourceExhausted).caused_by(error))
    };
    BACKGROUND
        .get_or_init(start)
        .as_ref()
        .map(|runtime| runtime.handle().clone())
        .map_err(Clone::clone)
}
