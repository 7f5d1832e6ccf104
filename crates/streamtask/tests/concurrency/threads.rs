//! Work for threads of its own: every piece runs once or is refused, and none waits for another.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::sync::mpsc;
use shuttle::thread;

use crate::driver::Pool;
use crate::model::check;
use crate::people::{Notes, one_of};
use crate::queue::serial;
use crate::sync::thread::allow;
use crate::sync::{Time, time};

const COUNT: usize = 2000;

fn pool() -> &'static Pool {
    Box::leak(Box::new(Pool::new()))
}

/// Each of two threads hands some pieces over, one after the other. There may be few threads, and each piece
/// panics at its end.
fn handed_over() {
    allow(one_of(&[1, 2, usize::MAX]));
    let (pool, ran) = (pool(), Arc::new(Notes::default()));
    let refused = Arc::new(AtomicUsize::new(0));
    let hands = [10, 20].map(|first| {
        let (ran, refused) = (ran.clone(), refused.clone());
        thread::spawn(move || {
            for piece in [first, first + 1] {
                let ours = ran.clone();
                let work = move || {
                    ours.note(piece);
                    resume_unwind(Box::new("on purpose"));
                };
                if !pool.run(work) {
                    refused.fetch_add(1, Ordering::SeqCst);
                }
            }
        })
    });
    hands.into_iter().for_each(|thread| thread.join().unwrap());
    let due = 4 - refused.load(Ordering::SeqCst);
    let mut all = ran.wait_until(|ran| ran.len() >= due);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), due, "each runs once");
}

#[test]
fn every_piece_runs_once_or_is_refused() {
    check(COUNT, handed_over);
}

/// Behind a piece that leaves its thread waiting comes one that waits for the last.
fn waits_for_the_last() {
    let (pool, (sender, receiver)) = (pool(), mpsc::channel());
    let (done, is_done) = mpsc::channel();
    assert!(pool.run(|| {}));
    assert!(pool.run(move || done.send(receiver.recv().unwrap()).unwrap()));
    assert!(pool.run(move || sender.send("last").unwrap()));
    assert_eq!(is_done.recv().unwrap(), "last");
}

#[test]
fn a_piece_that_waits_holds_up_no_other() {
    check(COUNT, waits_for_the_last);
}

/// Time does not help: who waits for more is told that it has come.
fn told_at_once() {
    time(Time::StandsStill);
    let (pool, queue, ran) = (pool(), serial(), Arc::new(Notes::default()));
    for piece in 0..3 {
        let (on_thread, in_queue) = (ran.clone(), ran.clone());
        assert!(pool.run(move || on_thread.note(piece)));
        queue(Box::new(move || in_queue.note(piece)));
    }
    ran.wait_until(|ran| ran.len() == 6);
    time(Time::Passes);
}

#[test]
fn who_waits_for_more_is_told_that_it_has_come() {
    check(COUNT, told_at_once);
}

fn queued_without_a_thread() {
    allow(one_of(&[0, 1]));
    let (queue, ran) = (serial(), Arc::new(Notes::default()));
    let hands = [10, 20].map(|first| {
        let (queue, ran) = (queue.clone(), ran.clone());
        thread::spawn(move || {
            for piece in [first, first + 1] {
                let ran = ran.clone();
                queue(Box::new(move || ran.note(piece)));
            }
        })
    });
    let all = ran.wait_until(|ran| ran.len() >= 4);
    hands.into_iter().for_each(|thread| thread.join().unwrap());
    let of = |first| all.iter().filter(|piece| **piece / 10 * 10 == first).collect::<Vec<_>>();
    assert_eq!((of(10), of(20)), (vec![&10, &11], vec![&20, &21]), "{all:?}");
}

#[test]
fn a_queue_that_gets_no_thread_runs_its_jobs_all_the_same() {
    check(COUNT, queued_without_a_thread);
}
