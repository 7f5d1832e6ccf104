//! A thread with a runtime of its own, which ends with its owner.
//!
//! Its place: under [`Server`](crate::Server) and [`Wire`](crate::Wire), so that blocking tests
//! need no runtime and a blocked test cannot hold its own peer up. What runs there is theirs.

use std::future::Future;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

/// How long a drop waits for the thread: only a script that blocks its thread needs more.
const LAST_ORDERS: Duration = Duration::from_secs(5);

/// A running thread. Dropping it drops the work where it stands and waits for the thread's end.
pub(crate) struct Background {
    stop: Option<oneshot::Sender<()>>,
    /// Nothing is ever sent: the thread's end hangs up.
    alive: mpsc::Receiver<()>,
}

/// Whether the work has come to its end.
#[derive(PartialEq, Eq)]
pub(crate) enum Work {
    Ended,
    Running,
}

impl Background {
    /// Starts a thread and runs there what `work` makes, until it ends or the owner is dropped.
    pub(crate) fn start<F, Fut>(name: &str, work: F) -> Self
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()>,
    {
        let (stop, stopped) = oneshot::channel();
        let (life, alive) = mpsc::channel::<()>();
        let body = move || {
            let _life = life;
            run(work, stopped);
        };
        thread::Builder::new().name(name.to_owned()).spawn(body).expect("threads are to be had");
        Self { stop: Some(stop), alive }
    }

    /// Waits for the end of the work, at most this long.
    pub(crate) fn wait(&self, limit: Duration) -> Work {
        match self.alive.recv_timeout(limit) {
            Err(mpsc::RecvTimeoutError::Timeout) => Work::Running,
            Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => Work::Ended,
        }
    }

    /// Drops the work and waits until its sockets are closed.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
        let _ = self.wait(LAST_ORDERS);
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run<F, Fut>(work: F, stopped: oneshot::Receiver<()>)
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("descriptors are to be had");
    runtime.block_on(async {
        tokio::select! {
            () = work() => {}
            _ = stopped => {}
        }
    });
}
