//! Whoever waits is woken, whatever the others do; and no waker meets the task's lock.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use streamtask::{EventKind, Events, Operation, ReadData, StreamTask, Timeout};
use streamtask_testkit::{Server, echo};

use crate::support::*;

/// Long enough for a loaded machine, and too short for a timer of the library's to help out.
const PROMPT: Duration = Duration::from_secs(5);

/// Awaits what somebody has to be woken for.
async fn promptly<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PROMPT, future).await.expect("somebody is woken")
}

async fn next_kind(events: &mut Events) -> Option<EventKind> {
    promptly(events.next()).await.map(|event| event.kind)
}

/// A server that says `words` when it is told to, and then ends or not.
fn prompted(words: &'static str, ends: bool) -> (Server, tokio::sync::oneshot::Sender<()>) {
    let (go, told) = tokio::sync::oneshot::channel();
    let told = Mutex::new(Some(told));
    let server = Server::start(move |mut conn| {
        let told = told.lock().unwrap().take();
        async move {
            if let Some(told) = told {
                let _ = told.await;
            }
            conn.write(words).await?;
            if !ends {
                conn.wait_closed().await?;
            }
            Ok(())
        }
    });
    (server, go)
}

/// As [`promptly`], for what must do well.
async fn promptly_done<T>(future: impl Future<Output = Result<T, streamtask::Error>>) -> T {
    promptly(future).await.expect("it does well")
}

/// A task that is connected, so that what follows waits for bytes and for nothing else.
async fn connected(server: &Server) -> StreamTask {
    let task = resumed(server);
    until(|| task.remote_address().is_some()).await;
    task
}

/// Polls `read` once, from a task that is awake again only when the read is.
async fn poll_once(read: &mut Operation<ReadData>) {
    assert!(is_pending(read).await);
}

#[tokio::test]
async fn a_read_that_was_polled_once_and_given_a_callback_is_called_back() {
    let (server, go) = prompted("x", false);
    let task = connected(&server).await;
    let mut read = task.read_exact(1, Timeout::NEVER);
    poll_once(&mut read).await;
    let (sender, heard) = tokio::sync::oneshot::channel();
    read.on_complete(move |read| drop(sender.send(read.map(|read| read.data))));
    go.send(()).unwrap();
    assert_eq!(promptly(heard).await.unwrap().unwrap(), "x");
}

#[tokio::test]
async fn a_read_that_is_polled_once_and_held_does_not_hold_up_the_callback_behind_it() {
    for is_polled_first in [true, false] {
        let (server, go) = prompted("xy", false);
        let task = connected(&server).await;
        let mut held = task.read_exact(1, Timeout::NEVER);
        if is_polled_first {
            poll_once(&mut held).await;
        }
        let (sender, heard) = tokio::sync::oneshot::channel();
        let behind = task.read_exact(1, Timeout::NEVER);
        behind.on_complete(move |read| drop(sender.send(read.map(|read| read.data))));
        if !is_polled_first {
            poll_once(&mut held).await;
        }
        go.send(()).unwrap();
        assert_eq!(promptly(heard).await.unwrap().unwrap(), "y");
        assert_eq!(text(&promptly_done(held).await), "x");
    }
}

#[tokio::test]
async fn an_end_that_a_held_read_would_see_is_told_to_those_who_listen() {
    let (server, go) = prompted("", true);
    let task = resumed(&server);
    let mut events = task.events();
    assert!(matches!(next_kind(&mut events).await, Some(EventKind::Connected)));
    let mut held = task.read_exact(1, Timeout::NEVER);
    poll_once(&mut held).await;
    go.send(()).unwrap();
    assert!(matches!(next_kind(&mut events).await, Some(EventKind::ReadClosed)));
    drop(held);
}

#[tokio::test]
async fn a_listener_who_comes_after_the_held_read_was_woken_hears_the_end_too() {
    let (server, go) = prompted("", true);
    let task = connected(&server).await;
    let mut held = task.read_exact(1, Timeout::NEVER);
    let (woken, count) = counting();
    assert!(Pin::new(&mut held).poll(&mut Context::from_waker(&woken)).is_pending());
    go.send(()).unwrap();
    // The held read has been told; from here on only the driver can see to the end.
    until(|| count.0.load(Ordering::Acquire) > 0).await;
    let mut events = task.events();
    assert!(matches!(next_kind(&mut events).await, Some(EventKind::ReadClosed)));
    drop(held);
}

#[tokio::test]
async fn a_delegate_hears_of_the_end_that_a_held_read_would_see() {
    let (session, _pad, mut heard) = noted(streamtask::DelegateQueue::serial());
    let (server, go) = prompted("", true);
    let task = task_in(&session, &server);
    task.resume();
    let mut held = task.read_exact(1, Timeout::NEVER);
    poll_once(&mut held).await;
    go.send(()).unwrap();
    assert_eq!(heard.next().await, Said::Created);
    assert_eq!(heard.next().await, Said::ReadClosed);
    drop(held);
}

#[tokio::test]
async fn the_completion_of_a_task_is_ready_though_a_read_of_it_is_held() {
    let server = streamtask_testkit::resetter();
    let task = connected(&server).await;
    let mut held = task.read_exact(1, Timeout::NEVER);
    poll_once(&mut held).await;
    let completion = task.completion();
    promptly_done(task.write("x", GUARD)).await;
    assert!(promptly(completion).await.is_err());
    drop(held);
}

#[tokio::test]
async fn a_read_that_moves_to_another_waker_is_woken_there() {
    let (server, go) = prompted("x", false);
    let task = connected(&server).await;
    let mut read = task.read_exact(1, Timeout::NEVER);
    let (first, first_count) = counting();
    assert!(Pin::new(&mut read).poll(&mut Context::from_waker(&first)).is_pending());
    let moved = tokio::spawn(read);
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    assert_eq!(text(&promptly_done(async { promptly(moved).await.unwrap() }).await), "x");
    assert_eq!(first_count.0.load(Ordering::Acquire), 0, "nobody polls from there any more");
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

fn counting() -> (Waker, Arc<Count>) {
    let count = Arc::new(Count(AtomicUsize::new(0)));
    (count.clone().into(), count)
}

/// An executor whose wakers own what they wake: the last one to be dropped drops the future.
struct Owner {
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    ready: mpsc::Sender<Arc<Owner>>,
}

impl Wake for Owner {
    fn wake(self: Arc<Self>) {
        let _ = self.ready.send(self.clone());
    }
}

impl Owner {
    fn spawn(ready: &mpsc::Sender<Arc<Owner>>, future: impl Future<Output = ()> + Send + 'static) {
        let future = Mutex::new(Some(Box::pin(future) as Pin<Box<_>>));
        Arc::new(Owner { future, ready: ready.clone() }).wake();
    }

    fn poll(self: Arc<Self>) {
        let Some(mut future) = self.future.lock().unwrap().take() else { return };
        let waker = Waker::from(self.clone());
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            *self.future.lock().unwrap() = Some(future);
        }
    }
}

#[test]
fn a_waker_that_owns_the_future_may_be_woken_and_dropped_anywhere() {
    let server = echo();
    within(move || {
        let (ready, woken) = mpsc::channel::<Arc<Owner>>();
        let (over, is_over) = mpsc::channel();
        let task = resumed(&server);
        for number in 0..50 {
            let (task, over) = (task.clone(), over.clone());
            Owner::spawn(&ready, async move {
                let read = task.read_exact(1, GUARD);
                // A second read is polled once and held, so that only its waker keeps it.
                let mut held = task.read_exact(1, GUARD);
                let _ = poll_fn(|cx| Poll::Ready(Pin::new(&mut held).poll(cx).is_pending())).await;
                let write = task.write(vec![number; 2], GUARD);
                assert!(write.await.is_ok() && read.await.is_ok());
                drop(held);
                let _ = over.send(());
            });
        }
        let mut left = 50;
        while left > 0 {
            woken.recv().expect("somebody is woken").poll();
            left -= is_over.try_iter().count();
        }
    });
}

/// What becomes of an operation whose last waker keeps a future alive that holds the task, too.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Dropped,
    PolledElsewhere,
    CalledBack,
    Cancelled,
}

#[test]
fn the_last_waker_of_a_future_that_holds_the_task_is_dropped_without_the_tasks_lock() {
    use Fate::{CalledBack, Cancelled, Dropped, PolledElsewhere};
    for fate in [Dropped, PolledElsewhere, CalledBack, Cancelled] {
        let server = streamtask_testkit::silent();
        within(move || {
            let (ready, woken) = mpsc::channel::<Arc<Owner>>();
            let task = resumed(&server);
            while task.remote_address().is_none() {
                std::thread::yield_now();
            }
            let place = Arc::new(Mutex::new(Some(task.read_exact(1, GUARD))));
            let (polled, other) = (place.clone(), task.read_exact(1, GUARD));
            let handle = task.clone();
            Owner::spawn(&ready, async move {
                let poll_it = poll_fn(|cx| {
                    let mut place = polled.lock().unwrap();
                    assert!(Pin::new(place.as_mut().unwrap()).poll(cx).is_pending());
                    Poll::Ready(())
                });
                poll_it.await;
                std::future::pending::<()>().await;
                // Both are dropped with the future, and both need the task's lock for that.
                drop((handle, other));
            });
            woken.recv().expect("the first poll").poll();
            // From here on the waker that the task holds is all that keeps the future.
            let mut read = place.lock().unwrap().take().unwrap();
            match fate {
                Dropped => drop(read),
                PolledElsewhere => {
                    assert!(
                        Pin::new(&mut read)
                            .poll(&mut Context::from_waker(&counting().0))
                            .is_pending()
                    );
                }
                CalledBack => read.on_complete(|_| {}),
                Cancelled => {
                    task.cancel();
                    woken.recv().expect("it is woken").poll();
                }
            }
        });
    }
}

#[test]
fn a_task_that_ends_drops_the_wakers_it_holds_where_they_may_call_it() {
    let server = streamtask_testkit::silent();
    within(move || {
        let (ready, woken) = mpsc::channel::<Arc<Owner>>();
        let task = resumed(&server);
        let waits = task.clone();
        Owner::spawn(&ready, async move {
            let completion = waits.completion();
            let mut events = waits.events();
            let read = waits.read_exact(1, GUARD);
            let both = poll_fn(|cx| {
                let _ = Pin::new(&mut Box::pin(events.next())).as_mut().poll(cx);
                Poll::Pending::<()>
            });
            // The first that is ready drops the rest inside of its poll.
            tokio::select! {
                biased;
                _ = both => {}
                _ = read => {}
                _ = completion => {}
            }
        });
        woken.recv().expect("the first poll").poll();
        task.cancel();
        while let Ok(owner) = woken.recv_timeout(SHORT) {
            owner.poll();
        }
    });
}

#[tokio::test]
async fn polling_a_completion_again_and_again_keeps_one_waker() {
    let server = echo();
    let task = resumed(&server);
    let mut completion = task.completion();
    let wakers: Vec<_> = (0..1000).map(|_| counting()).collect();
    for (waker, _) in &wakers {
        assert!(Pin::new(&mut completion).poll(&mut Context::from_waker(waker)).is_pending());
    }
    let kept = wakers.iter().filter(|(_, count)| Arc::strong_count(count) > 2).count();
    assert_eq!(kept, 1, "only the last waker is needed");
    drop(completion);
    let kept = wakers.iter().filter(|(_, count)| Arc::strong_count(count) > 2).count();
    assert_eq!(kept, 0);
    drop(task);
}
