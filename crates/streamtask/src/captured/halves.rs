//! Who waits for the socket of captured streams, and whom its readiness wakes.
//!
//! A socket remembers one waker a direction, but two halves may wait for the same one: under TLS a reader
//! has things to send too. So the socket knows two wakers of this file's, always the same, and this file
//! knows the halves'. It knows nothing of sockets.
//!
//! Wakers are other people's code: no lock is held while one is cloned, woken or dropped. The lock of
//! here is taken inside of the connection's and never the other way round.

use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use crate::lock;

/// The halves of a connection, as they wait.
#[derive(Default)]
pub(super) struct Halves(Mutex<Waiting>);

/// A half of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Input,
    Output,
}

/// What a socket can become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    Readable,
    Writable,
}

impl Halves {
    /// `waker` waits for what concerns `half`. To be called before the socket is asked: then no readiness
    /// is missed.
    pub(super) fn wait(&self, half: Half, waker: &Waker) {
        let is_known = lock(&self.0).is_known(half, waker);
        if !is_known {
            let waker = waker.clone();
            let known = lock(&self.0).wait(half, waker);
            drop(known);
        }
    }

    /// Whether something is left to send, for which nobody may be waiting: then the reader sees to it too.
    pub(super) fn set_rest(&self, has_rest: bool) {
        lock(&self.0).has_rest = has_rest;
    }

    /// `half` waits no more.
    pub(super) fn leave(&self, half: Half) {
        let known = lock(&self.0).leave(half);
        drop(known);
    }

    /// The socket is ready, or as good as that.
    pub(super) fn wake(&self, readiness: Readiness) {
        let woken = lock(&self.0).take(readiness);
        woken.into_iter().flatten().for_each(Waker::wake);
    }

    /// What the socket is to wake.
    pub(super) fn waker(self: &Arc<Self>, readiness: Readiness) -> Waker {
        Arc::new(Lead { halves: self.clone(), readiness }).into()
    }
}

/// One direction's way from the socket to whoever waits.
struct Lead {
    halves: Arc<Halves>,
    readiness: Readiness,
}

impl Wake for Lead {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.halves.wake(self.readiness);
    }
}

/// Decides whom to wake. What it lets go of it hands out, to be dropped or woken elsewhere.
#[derive(Default)]
struct Waiting {
    reader: Option<Waker>,
    writer: Option<Waker>,
    has_rest: bool,
}

impl Waiting {
    fn half(&mut self, half: Half) -> &mut Option<Waker> {
        match half {
            Half::Input => &mut self.reader,
            Half::Output => &mut self.writer,
        }
    }

    fn is_known(&mut self, half: Half, waker: &Waker) -> bool {
        self.half(half).as_ref().is_some_and(|known| known.will_wake(waker))
    }

    fn wait(&mut self, half: Half, waker: Waker) -> Option<Waker> {
        self.half(half).replace(waker)
    }

    fn leave(&mut self, half: Half) -> Option<Waker> {
        self.half(half).take()
    }

    fn take(&mut self, readiness: Readiness) -> [Option<Waker>; 2] {
        match readiness {
            Readiness::Readable => [self.reader.take(), None],
            Readiness::Writable => [self.writer.take(), self.reader.take_if(|_| self.has_rest)],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Looks at the halves whenever it is touched, which must not happen under their lock.
    struct Nosy(Weak<Halves>, AtomicUsize);

    impl Nosy {
        fn look(&self) {
            if let Some(halves) = self.0.upgrade() {
                assert!(halves.0.try_lock().is_ok(), "it is touched under the lock");
            }
        }
    }

    impl Wake for Nosy {
        fn wake(self: Arc<Self>) {
            self.look();
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Drop for Nosy {
        fn drop(&mut self) {
            self.look();
        }
    }

    struct Seen(Arc<Nosy>);

    impl Seen {
        fn new(halves: &Arc<Halves>) -> Self {
            Seen(Arc::new(Nosy(Arc::downgrade(halves), AtomicUsize::new(0))))
        }

        fn wait(&self, halves: &Halves, half: Half) {
            halves.wait(half, &self.0.clone().into());
        }

        fn wakes(&self) -> usize {
            self.0.1.load(Ordering::Relaxed)
        }
    }

    fn both() -> (Arc<Halves>, Seen, Seen) {
        let halves = Arc::<Halves>::default();
        let (reader, writer) = (Seen::new(&halves), Seen::new(&halves));
        reader.wait(&halves, Half::Input);
        writer.wait(&halves, Half::Output);
        (halves, reader, writer)
    }

    #[test]
    fn each_half_is_woken_by_its_own_direction_once() {
        let (halves, reader, writer) = both();
        for _ in 0..2 {
            halves.waker(Readiness::Readable).wake();
            assert_eq!((reader.wakes(), writer.wakes()), (1, 0));
        }
        for _ in 0..2 {
            halves.waker(Readiness::Writable).wake();
            assert_eq!((reader.wakes(), writer.wakes()), (1, 1));
        }
    }

    #[test]
    fn whoever_waits_sees_to_what_is_left_to_send() {
        let (halves, reader, writer) = both();
        halves.set_rest(true);
        halves.wake(Readiness::Writable);
        assert_eq!((reader.wakes(), writer.wakes()), (1, 1));
        reader.wait(&halves, Half::Input);
        halves.wake(Readiness::Writable);
        assert_eq!((reader.wakes(), writer.wakes()), (2, 1), "the writer waits no more");
        reader.wait(&halves, Half::Input);
        halves.set_rest(false);
        halves.wake(Readiness::Writable);
        assert_eq!((reader.wakes(), writer.wakes()), (2, 1));
    }

    #[test]
    fn who_has_left_is_not_woken_and_not_held() {
        let (halves, reader, writer) = both();
        halves.leave(Half::Input);
        halves.leave(Half::Output);
        assert_eq!((Arc::strong_count(&reader.0), Arc::strong_count(&writer.0)), (1, 1));
        for readiness in [Readiness::Readable, Readiness::Writable] {
            halves.wake(readiness);
        }
        assert_eq!((reader.wakes(), writer.wakes()), (0, 0));
    }

    #[test]
    fn only_the_last_waker_of_a_half_is_kept() {
        let (halves, reader, _writer) = both();
        let other = Seen::new(&halves);
        other.wait(&halves, Half::Input);
        assert_eq!(Arc::strong_count(&reader.0), 1);
        halves.wake(Readiness::Readable);
        assert_eq!((reader.wakes(), other.wakes()), (0, 1));
    }
}
