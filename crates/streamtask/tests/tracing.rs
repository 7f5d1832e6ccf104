//! What `tracing` is told. A process of its own, because a subscriber is everybody's.
#![cfg(feature = "tracing")]

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use streamtask::{Configuration, Session};
use streamtask_testkit::half_closer;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Keeps what it is told, and looks at the session meanwhile: it could not if a lock were held.
#[derive(Clone, Default)]
struct Notes {
    told: Arc<Mutex<Vec<String>>>,
    session: Arc<Mutex<Option<Session>>>,
}

/// One event on its way into a line.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.0.push_str(&format!(" {value:?}")),
            "task" => self.0.push_str(&format!(" task {value:?}")),
            // Ports differ.
            _ => self.0.push_str(&format!(" {}", field.name())),
        }
    }
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "streamtask"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if let Some(session) = &*self.session.lock().expect("nobody panics under it") {
            session.all_tasks().iter().for_each(|task| drop(task.to_string()));
        }
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.told.lock().expect("nobody panics under it").push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_life_is_told_and_so_is_a_resume_that_was_forgotten() {
    let notes = Notes::default();
    tracing::subscriber::set_global_default(notes.clone()).expect("the first");
    assert_eq!(tracing::level_filters::LevelFilter::current(), Level::TRACE);
    let server = half_closer();
    let session = Session::new(Configuration::default()).expect("a session");
    *notes.session.lock().expect("nobody panics under it") = Some(session.clone());
    let task = session.stream_task("127.0.0.1", server.port()).expect("a task");
    let (mut first, mut second) = (task.read_data(1..=1, None), task.read_data(1..=1, None));
    for read in [&mut first, &mut second] {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(Future::poll(std::pin::Pin::new(read), &mut cx).is_pending());
    }
    task.resume();
    task.close_write();
    first.wait().expect("the end");
    session.finished().wait();
    let told = notes.told.lock().expect("nobody panics under it").clone();
    let expected = [
        "WARN waited for, but never resumed: call resume() task 1 to",
        "DEBUG connected task 1 to",
        "DEBUG write closed task 1 to",
        "DEBUG read closed task 1 to",
        "DEBUG finished task 1 to",
    ];
    assert_eq!(told, expected);
}
