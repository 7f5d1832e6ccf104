//! What happens to others' code while TLS does its work: lent memory, and those who look on at the end.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use bytes::Bytes;
use streamtask::{Session, StreamTask};
use streamtask_testkit::{Authority, echo_tls};

use crate::support::{SOON, VERSIONS, in_time, session, settings, task};

/// Memory that asks for its task when it is given back.
struct Owner {
    memory: Vec<u8>,
    task: StreamTask,
    is_back: Arc<AtomicBool>,
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.memory
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.task.bytes_sent();
        self.is_back.store(true, Ordering::Release);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_that_was_lent_for_encryption_comes_back_without_the_tasks_lock() {
    for version in VERSIONS {
        let authority = Authority::new();
        let server = echo_tls(settings(&authority, version));
        let session = session(&authority);
        let task = task(&session, server.port());
        in_time(task.start_secure_connection()).await.expect("TLS");
        // Gathered into one record, a record of its own, a batch, and several.
        for length in [1, 1000, 16 << 10, 20_000, 64 << 10, 200_000] {
            let is_back = Arc::new(AtomicBool::new(false));
            let memory = vec![7; length];
            let owner = Owner { memory, task: task.clone(), is_back: is_back.clone() };
            let write = task.write(Bytes::from_owner(owner), SOON);
            in_time(write).await.expect("it is written");
            in_time(task.read_exact(length, SOON)).await.expect("it comes back");
            while !is_back.load(Ordering::Acquire) {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Looks whether its session still closes a connection, at the moment it is woken.
struct Looks {
    session: Session,
    seen: Mutex<Option<bool>>,
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        let mut lingering = self.session.lingering();
        let mut cx = Context::from_waker(Waker::noop());
        let is_ready = Pin::new(&mut lingering).poll(&mut cx).is_ready();
        *self.seen.lock().expect("nobody panicked") = Some(is_ready);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hears_of_the_end_finds_that_its_socket_still_lingers() {
    let authority = Authority::new();
    let server = streamtask_testkit::Server::start({
        let settings = settings(&authority, VERSIONS[1]);
        move |mut conn| {
            let settings = settings.clone();
            async move {
                conn.start_tls(&settings).await?;
                // It does not end by itself, so that closing takes a while.
                std::future::pending().await
            }
        }
    });
    let session = session(&authority);
    let task = task(&session, server.port());
    in_time(task.start_secure_connection()).await.expect("TLS");
    let looks = Arc::new(Looks { session, seen: Mutex::new(None) });
    let mut completion = task.completion();
    let waker = looks.clone().into();
    assert!(Pin::new(&mut completion).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(task);
    while looks.seen.lock().expect("nobody panicked").is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(*looks.seen.lock().expect("nobody panicked"), Some(false));
}
