//! What the command runs on, and the way out of it on Ctrl-C.

use std::io;
use std::process;
use std::sync::Mutex;
use std::thread;

use tokio::runtime::{Builder, Runtime};

use crate::report::{Exit, Failure};

/// Makes the runtime, if there is room for it and for what it is to run.
pub(crate) fn start() -> Result<Runtime, Failure> {
    let runtime = build().map_err(|error| Failure::local("starting", &error).advise(MAKE_ROOM))?;
    runtime.spawn(leave_on_interrupt());
    Ok(runtime)
}

fn build() -> io::Result<Runtime> {
    find_descriptors(OF_TOKIO + OF_OURS)?;
    find_threads(WORKERS + BESIDES)?;
    Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()
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
fn find_descriptors(number: usize) -> io::Result<()> {
    use std::os::fd::AsFd;
    let stdin = io::stdin();
    let copies = (0..number).map(|_| stdin.as_fd().try_clone_to_owned());
    copies.collect::<io::Result<Vec<_>>>().map(drop)
}

/// Nothing here has a limit worth the name.
#[cfg(not(unix))]
fn find_descriptors(_: usize) -> io::Result<()> {
    Ok(())
}

/// Sees to it that so many threads can be had, or tokio would panic, or hang.
fn find_threads(number: usize) -> io::Result<()> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        // They have to be there at the same time: none passes before all stand.
        let _closed = gate.lock();
        (0..number).try_for_each(|_| {
            let waiting = || drop(gate.lock());
            thread::Builder::new().spawn_scoped(scope, waiting).map(drop)
        })
    })
}

const WORKERS: usize = 2;

/// For stdin, for stdout, for looking a name up, and for a delegate and its question.
const BESIDES: usize = 5;

const MAKE_ROOM: &str =
    "close something, or raise a limit (ulimit -n for descriptors, -u for threads)";

/// As many as tokio keeps open, counted by strace: epoll and its copy, an eventfd, two sockets for signals
/// and a copy of one.
const OF_TOKIO: usize = 6;

/// As many as any subcommand needs: the demo three sockets, `connect` one beside the directory of the roots
/// and a file in it, `listen` two sockets.
const OF_OURS: usize = 3;
