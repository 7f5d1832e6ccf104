//! Captured streams go to one who takes them: the caller, or else the delegate.

use std::sync::Arc;

use shuttle::thread;

use crate::model::check;
use crate::net::Peer;
use crate::people::{Notes, await_it, one_of};
use crate::world::{Polled, Task, called, heard};
use crate::{InputStream, OutputStream, Session, SessionDelegate, StreamTask};

/// Who has got them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taker {
    Caller,
    Delegate,
}

struct Delegate(Arc<Notes<Taker>>);

impl SessionDelegate for Delegate {
    fn did_become_streams(&self, _: &Session, _: &StreamTask, _: InputStream, _: OutputStream) {
        self.0.note(Taker::Delegate);
    }

    fn did_complete(&self, _: &Session, _: &StreamTask, error: Option<&crate::Error>) {
        panic!("a captured task has another last message: {error:?}");
    }
}

/// How the caller takes them, if at all.
#[derive(Clone, Copy, Debug)]
enum Form {
    Awaited,
    PolledAndMoved,
    Called,
    PolledAndCalled,
    Dropped,
    PolledAndDropped,
}

const FORMS: [Form; 6] = [
    Form::Awaited,
    Form::PolledAndMoved,
    Form::Called,
    Form::PolledAndCalled,
    Form::Dropped,
    Form::PolledAndDropped,
];

#[test]
fn captured_streams_go_to_exactly_one() {
    check(3000, || {
        let peer = Peer::with_room(1);
        let takers = Arc::new(Notes::default());
        let (task, driver) = Task::told(&peer, Some(Arc::new(Delegate(takers.clone()))));
        let theirs = task.clone();
        let writes = thread::spawn(move || {
            drop(theirs.write(b"ab"));
            peer.makes_room(1);
        });
        let capture = task.capture();
        let ours = takers.clone();
        let takes = move |result: Result<(InputStream, OutputStream), crate::Error>| {
            result.expect("it is captured");
            ours.note(Taker::Caller);
        };
        match one_of(&FORMS) {
            Form::Awaited => takes(await_it(capture)),
            Form::PolledAndMoved => {
                let capture = Polled::once(capture);
                thread::spawn(move || takes(capture.finish())).join().unwrap();
            }
            Form::Called => takes(heard(&called(capture))),
            Form::PolledAndCalled => takes(Polled::once(capture).finish_by_callback()),
            Form::Dropped => drop(capture),
            Form::PolledAndDropped => match Polled::once(capture) {
                Polled::Done(result) => takes(result),
                Polled::Held(capture) => drop(capture),
            },
        }
        writes.join().unwrap();
        await_it(task.completion()).expect("a captured task is over");
        driver.join();
        assert_eq!(takers.wait_until(|takers| !takers.is_empty()).len(), 1);
    });
}
