//! Every operation in every form, crossed with every other two at a time on one task: whatever is done with
//! the one, the other comes to what it would come to alone, and every byte has one reader.

use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use streamtask::{Duplex, Error, ErrorKind, ReadData, StreamTask, Timeout};
use streamtask_testkit::{Server, echo};
use tokio::io::AsyncReadExt;
use tokio::sync::oneshot;

use crate::support::*;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Exact,
    Line,
    Write,
    Capture,
}

const CALLS: [Call; 4] = [Call::Exact, Call::Line, Call::Write, Call::Capture];

/// What is done with what the call returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Awaited,
    /// Waited for, on a thread of its own.
    Waited,
    CalledBack,
    /// Polled once, then held until everything else is over.
    Held,
    /// Polled once, then polled by another task.
    Moved,
    /// Polled once, then given a callback.
    PolledAndCalledBack,
    PolledAndDropped,
    Dropped,
}

const FORMS: [Form; 8] = [
    Form::Awaited,
    Form::Waited,
    Form::CalledBack,
    Form::Held,
    Form::Moved,
    Form::PolledAndCalledBack,
    Form::PolledAndDropped,
    Form::Dropped,
];

/// What an operation came to.
#[derive(Debug)]
enum Outcome {
    Read(ReadData),
    Written,
    Captured(Duplex),
}

type Outcomes = Result<Outcome, Error>;

/// The end of an operation, for whoever still wants it.
type Ending = Pin<Box<dyn Future<Output = Option<Outcomes>> + Send>>;

/// Does with an operation what the form says. The library seals what operations may come to, so this is
/// no function over all of them.
macro_rules! treat {
    ($operation:expr, $form:expr, $outcome:expr) => {{
        let (mut operation, outcome) = ($operation, $outcome);
        let once = |operation: &mut _| {
            let operation: &mut streamtask::Operation<_> = operation;
            Pin::new(operation).poll(&mut Context::from_waker(Waker::noop()))
        };
        let is_polled = matches!(
            $form,
            Form::Held | Form::Moved | Form::PolledAndCalledBack | Form::PolledAndDropped
        );
        let known = match is_polled {
            true => once(&mut operation),
            false => Poll::Pending,
        };
        match (known, $form) {
            (Poll::Ready(result), _) => Box::pin(ready(Some(result.map(outcome)))) as Ending,
            (_, Form::Awaited | Form::Moved) => {
                let task = tokio::spawn(operation);
                Box::pin(async move { Some(task.await.expect("no panic").map(outcome)) })
            }
            (_, Form::Waited) => {
                let thread = tokio::task::spawn_blocking(|| operation.wait());
                Box::pin(async move { Some(thread.await.expect("no panic").map(outcome)) })
            }
            (_, Form::CalledBack | Form::PolledAndCalledBack) => {
                let (sender, heard) = oneshot::channel();
                operation.on_complete(|result| drop(sender.send(result)));
                Box::pin(async move { Some(heard.await.expect("it is called").map(outcome)) })
            }
            (_, Form::Held) => Box::pin(async move { Some(operation.await.map(outcome)) }),
            (_, Form::PolledAndDropped | Form::Dropped) => {
                drop(operation);
                Box::pin(ready(None))
            }
        }
    }};
}

impl Call {
    fn make(self, task: &StreamTask, form: Form) -> Ending {
        let never = Timeout::NEVER;
        match self {
            Call::Exact => treat!(task.read_exact(2, never), form, Outcome::Read),
            Call::Line => treat!(task.read_until("\n", 100, never), form, Outcome::Read),
            Call::Write => treat!(task.write(XYZ, never), form, |()| Outcome::Written),
            Call::Capture => treat!(task.capture_streams(), form, |(input, output)| {
                let joined: Result<Duplex, _> = streamtask::InputStream::join(input, output);
                Outcome::Captured(joined.expect("halves of one connection"))
            }),
        }
    }

    /// How much of `stream` it takes, if it reads.
    fn takes(self, stream: &str) -> Option<usize> {
        match self {
            Call::Exact => Some(2),
            Call::Line => stream.find('\n').map(|place| place + 1),
            Call::Write | Call::Capture => None,
        }
    }
}

/// What a write says.
const XYZ: &str = "xyz\n";

/// What the peer echoes; each of two reads finds enough in it.
const DATA: &str = "a\nbc\ndef\nghij\n";

#[derive(Clone, Copy, Debug)]
struct Case {
    calls: [(Call, Form); 2],
    /// Whether the data is there before the calls are made.
    is_early: bool,
}

impl Case {
    async fn run(self, server: &Server) {
        let task = resumed(server);
        if self.is_early {
            // One byte ahead of it shows that the data comes: it is in the buffer, or nearly.
            done(task.write(format!("?{DATA}"), GUARD)).await;
            assert_eq!(text(&done(task.read_exact(1, GUARD)).await), "?");
        }
        let [first, second] = self.calls.map(|(call, form)| call.make(&task, form));
        if !self.is_early {
            drop(task.write(DATA, GUARD));
        }
        // The later one is asked first, so that nothing depends on the order of looking.
        let second = soon(second).await;
        let first = soon(first).await;
        self.check(&task, [first, second]).await;
    }

    /// What the peer echoes, all in all.
    fn stream(self) -> String {
        let [(first, _), (second, _)] = self.calls;
        let written = match (first, second) {
            (Call::Write, Call::Write) => XYZ.repeat(2),
            (Call::Write, _) => XYZ.to_owned(),
            // Behind a capture nobody writes.
            (Call::Capture, _) => String::new(),
            (_, Call::Write) => XYZ.to_owned(),
            (_, _) => String::new(),
        };
        let captures = [first, second].contains(&Call::Capture);
        match (self.is_early, captures) {
            (true, _) => format!("{DATA}{written}"),
            (false, true) => written,
            (false, false) => format!("{written}{DATA}"),
        }
    }

    async fn check(self, task: &StreamTask, outcomes: [Option<Outcomes>; 2]) {
        let is_captured_first = self.calls[0].0 == Call::Capture;
        let mut left = self.stream();
        let mut streams = None;
        for ((call, _), (place, outcome)) in self.calls.into_iter().zip((0..).zip(outcomes)) {
            match outcome {
                Some(Ok(Outcome::Read(read))) => {
                    let taken = call.takes(&left).expect("it is a read");
                    assert_eq!(text(&read), &left[..taken], "{self:?}");
                    left.drain(..taken);
                }
                Some(Ok(Outcome::Captured(duplex))) => streams = Some(duplex),
                Some(Ok(Outcome::Written)) | None => {}
                Some(Err(error)) => {
                    assert!(is_captured_first && place == 1, "{self:?}: {error}");
                    assert_eq!(error.kind(), ErrorKind::NotConnected, "{self:?}");
                }
            }
        }
        self.check_rest(task, streams, &left).await;
    }

    /// What nobody has taken is still there, in order.
    async fn check_rest(self, task: &StreamTask, streams: Option<Duplex>, left: &str) {
        let captures = self.calls.iter().any(|(call, _)| *call == Call::Capture);
        match streams {
            Some(mut streams) => {
                let mut got = vec![0; left.len()];
                soon(streams.read_exact(&mut got)).await.expect("it is there");
                assert_eq!(got, left.as_bytes(), "{self:?}");
            }
            // Nobody took them, so the connection is closed.
            None if captures => {}
            None => {
                let rest = done(task.read_exact(left.len(), GUARD)).await;
                assert_eq!(text(&rest), left, "{self:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_operations_in_any_two_forms_do_not_disturb_each_other() {
    let server = echo();
    for first in CALLS {
        for second in CALLS {
            for form in FORMS {
                for other in FORMS {
                    for is_early in [true, false] {
                        // Reads before a capture that waits would wait for bytes that nobody can ask for.
                        let is_stuck = !is_early && second == Call::Capture && first != Call::Write;
                        if !is_stuck {
                            let calls = [(first, form), (second, other)];
                            Case { calls, is_early }.run(&server).await;
                        }
                    }
                }
            }
        }
    }
}
