//! What the command runs on, and the way out of it on Ctrl-C.

use std::io;
use std::process;

use tokio::runtime::{Builder, Runtime};

use crate::report::{Exit, Failure};

/// Makes the runtime, if there is room for it and for what it is to run.
pub(crate) fn start() -> Result<Runtime, Failure> {
    let starting = |error| Failure::local("starting", &error);
    find_room(OF_TOKIO + OF_OURS).map_err(starting)?;
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

/// Sees to it that so many descriptors can be had. Where they cannot, tokio would panic, the resolver would
/// say that there is no such name, and the platform that there are no roots.
#[cfg(unix)]
fn find_room(descriptors: usize) -> io::Result<()> {
    use std::os::fd::AsFd;
    let stdin = io::stdin();
    let copies = (0..descriptors).map(|_| stdin.as_fd().try_clone_to_owned());
    copies.collect::<io::Result<Vec<_>>>().map(drop)
}

/// Nothing here has a limit worth the name.
#[cfg(not(unix))]
fn find_room(_: usize) -> io::Result<()> {
    Ok(())
}

/// As many as tokio keeps open, counted by strace: epoll and its copy, an eventfd, two sockets for signals
/// and a copy of one.
const OF_TOKIO: usize = 6;

/// As many as any subcommand needs: the demo three sockets, `connect` one beside the directory of the roots
/// and a file in it, `listen` two sockets.
const OF_OURS: usize = 3;
