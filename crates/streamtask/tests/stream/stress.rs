//! Many at once, many in turn, and many hands on one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use streamtask_testkit::{echo, silent};

use crate::support::*;

/// A thousand, or as many as there can be descriptors for: each has one at both ends.
fn tasks_at_once() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = limit.and_then(|rest| rest.split_whitespace().next());
    match soft.map(str::parse::<usize>) {
        Some(Ok(soft)) => (soft.saturating_sub(400) / 2).min(1_000),
        // Unlimited, or not told.
        Some(Err(_)) => 1_000,
        None => 80,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tasks_at_once_complete_each_operation_once() {
    let server = echo();
    let (session, _pad, mut heard) = noted(Default::default());
    let count = tasks_at_once();
    let ends: Arc<Vec<[AtomicUsize; 3]>> =
        Arc::new((0..count).map(|_| Default::default()).collect());
    let tasks: Vec<_> = (0..count).map(|_| task_in(&session, &server)).collect();
    let mut writes = Vec::new();
    for (index, task) in tasks.iter().enumerate() {
        let note = |which: usize| {
            let ends = ends.clone();
            move || ends[index][which].fetch_add(1, Ordering::SeqCst)
        };
        let (write, read, end) = (note(0), note(1), note(2));
        let message = format!("task {index}");
        task.read_exact(message.len(), GUARD).on_complete(move |result| {
            assert_eq!(text(&result.expect("it is read")), format!("task {index}"));
            read();
        });
        task.read_data(1..=1, GUARD).on_complete(move |result| {
            assert!(result.expect("it has ended").at_eof);
            end();
        });
        task.resume();
        // A listener's queue is short, and a system whose queues are full may reset.
        until(|| index < server.connections() + 50).await;
        writes.push((message, write));
    }
    until(|| server.connections() == count).await;
    assert_eq!(session.all_tasks().len(), count);
    for (task, (message, write)) in tasks.iter().zip(writes) {
        task.write(message, GUARD).on_complete(move |result| {
            result.expect("it is written");
            write();
        });
        task.close_write();
    }
    session.finish_tasks_and_invalidate();
    let all = heard.up_to(Said::Invalid).await;
    assert_eq!(all.iter().filter(|said| **said == Said::Completed(None)).count(), count);
    let is_once = |ends: &[AtomicUsize; 3]| ends.iter().all(|end| end.load(Ordering::SeqCst) == 1);
    assert!(ends.iter().all(is_once));
    assert_eq!(session.all_tasks(), []);
}

#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_tasks_in_turn_leave_nothing_behind() {
    alone("stress::ten_thousand_tasks_in_turn_leave_nothing_behind", || {
        let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let (echo, closer) = (echo(), streamtask_testkit::closer());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        // Each server has answered once, so what it needs itself is there before counting.
        runtime.block_on(async {
            let task = resumed(&echo);
            drop(task.write("x", GUARD));
            done(task.read_exact(1, GUARD)).await;
            assert!(done(resumed(&closer).read_data(1..=1, GUARD)).await.at_eof);
        });
        let before = (descriptors(), threads());
        runtime.block_on(async {
            let (session, pad, mut heard) = noted(Default::default());
            for number in 0..10_000 {
                let task = task_in(&session, if number % 4 == 1 { &closer } else { &echo });
                match number % 4 {
                    0 => {
                        task.resume();
                        drop(task.write("x", GUARD));
                        assert_eq!(text(&done(task.read_exact(1, GUARD)).await), "x");
                    }
                    1 => {
                        task.resume();
                        task.close_write();
                        assert!(done(task.read_data(1..=1, GUARD)).await.at_eof);
                    }
                    2 => {
                        task.read_exact(1, GUARD).on_complete(|read| assert!(read.is_err()));
                        task.resume();
                        task.cancel();
                    }
                    _ => drop(task.read_exact(1, GUARD)),
                }
                let completion = task.completion();
                drop(task);
                assert_eq!(soon(completion).await.is_ok(), number % 4 < 2, "{number}");
            }
            // With the last task over, the session is: none is left.
            session.finish_tasks_and_invalidate();
            let all = heard.up_to(Said::Invalid).await;
            let is_end = |said: &&Said| matches!(said, Said::Completed(_));
            assert_eq!(all.iter().filter(is_end).count(), 10_000);
            drop((session, pad));
        });
        settle(|| descriptors() <= before.0 && threads() <= before.1);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn two_threads_queue_while_a_third_cancels() {
    const OPERATIONS: usize = 20;
    let server = silent();
    for round in 0..500 {
        let (session, _pad, mut heard) = noted(Default::default());
        let task = task_in(&session, &server);
        task.resume();
        let ends: Arc<[AtomicUsize; 2 * OPERATIONS]> =
            Arc::new([const { AtomicUsize::new(0) }; 2 * OPERATIONS]);
        let queue_up = |first: usize| {
            for index in first..first + OPERATIONS {
                let ends = ends.clone();
                let note = move || {
                    ends[index].fetch_add(1, Ordering::SeqCst);
                };
                match index % 2 {
                    0 => task.write("x", GUARD).on_complete(move |_| note()),
                    _ => task.read_exact(1, GUARD).on_complete(move |read| {
                        assert!(read.expect_err("nothing comes").is_cancelled());
                        note();
                    }),
                }
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| queue_up(0));
            scope.spawn(|| queue_up(OPERATIONS));
            scope.spawn(|| {
                (0..round % 50).for_each(|_| std::thread::yield_now());
                task.cancel();
            });
        });
        assert!(soon(task.completion()).await.expect_err("it was cancelled").is_cancelled());
        until(|| ends.iter().all(|end| end.load(Ordering::SeqCst) > 0)).await;
        session.invalidate_and_cancel();
        heard.up_to(Said::Invalid).await;
        assert!(ends.iter().all(|end| end.load(Ordering::SeqCst) == 1), "round {round}");
    }
}
