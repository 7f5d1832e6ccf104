//! What acts on the core's decisions: sockets, timers, wake-ups.
//!
//! It knows no session, no delegate and no public task: what those have to hear it says as plain [`news`].
//! [`shared`] holds everything of one task behind one lock, [`operations`] and [`telling`] are what is
//! done under it, [`after`] what is left until it is let go. [`pump`] carries the core's wishes out, and
//! [`run`] is the spawned future that does so when nobody else does: whoever polls an operation drives
//! the connection itself, so that a round trip costs no second task switch ([`attention`]).

mod after;
mod answer;
mod attention;
mod handover;
mod hop;
mod lead;
mod listener;
mod news;
mod opening;
mod operations;
mod pump;
mod run;
mod shared;
mod slots;
mod telling;
mod threads;
mod waiters;

pub(crate) use answer::Answer;
pub(crate) use listener::Listener;
pub(crate) use news::{Hear, News};
pub(crate) use operations::Enqueued;
pub(crate) use run::spawn;
pub(crate) use shared::{Setting, Shared};

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::mpsc::channel;
    use std::thread;

    use super::threads::Threads;

    /// The models, which see every order, cannot tell which thread it was.
    #[test]
    fn a_thread_that_has_nothing_to_do_gets_the_next_piece() {
        static THREADS: Threads = Threads::new();
        let runs_on = || {
            let (sender, receiver) = channel();
            let work = move || _ = sender.send(thread::current().id());
            assert!(THREADS.run(Box::new(work)));
            receiver.recv().expect("it runs")
        };
        let mut seen = HashSet::new();
        assert!((0..1000).any(|_| !seen.insert(runs_on())), "a thousand threads for one at a time");
    }
}
