//! Operations in every form, crossed at random, beside those who listen and those who wait for the end.

use std::collections::BTreeSet;
use std::sync::Arc;

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Mutex, mpsc};
use shuttle::thread::{self, JoinHandle};
use streamtask_proto::{Error, EventKind, ReadData};

use crate::model::check;
use crate::net::Peer;
use crate::people::{Notes, await_it, hold, one_of};
use crate::sync::assert_no_lock_is_held;
use crate::world::{Polled, Read, Runtime, Task, Write, called, end, heard};
use crate::{Session, SessionDelegate, StreamTask};

#[test]
fn nothing_is_lost_or_delivered_twice_in_any_mix_of_forms() {
    check(3000, mixed);
}

pub(crate) fn mixed() {
    let (peer, crowd) = crowd(Fate::EndsWell);
    let pauses = once_in(3).then(|| pauses(&crowd.task));
    let speaks = speaks(&peer, crowd.reads, crowd.writes);
    let Crowd { task, driver, brought, told, callers, hearers, reads, writes } = crowd;
    callers.into_iter().chain(pauses).chain([speaks]).for_each(|thread| thread.join().unwrap());
    ends(&task, &peer, &brought, driver);
    hearers.into_iter().for_each(|thread| thread.join().unwrap());
    let brought = hold(&brought);
    let all = brought.bytes.len() + brought.dropped;
    assert!(all >= reads, "{:?}, {} dropped", brought.bytes, brought.dropped);
    assert_eq!(peer.heard().len(), writes, "writes stand");
    if let Some(told) = told {
        assert_eq!(told.all(), ["complete", "read closed", "write closed"]);
    }
}

#[test]
fn everybody_hears_of_a_cancelled_task() {
    check(3000, || cancelled(end));
}

#[test]
fn everybody_hears_of_a_runtime_that_was_shut_down() {
    check(3000, || cancelled(|_, driver| driver.shut_down()));
}

fn cancelled(end: fn(&Task, Runtime)) {
    let (peer, crowd) = crowd(Fate::IsCancelled);
    let speaks = once_in(2).then(|| speaks(&peer, crowd.reads, crowd.writes));
    let Crowd { task, driver, told, callers, hearers, .. } = crowd;
    end(&task, driver);
    let threads = callers.into_iter().chain(hearers).chain(speaks);
    threads.for_each(|thread| thread.join().unwrap());
    if let Some(told) = told {
        assert_eq!(told.all(), ["complete"]);
    }
}

/// What becomes of a task.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    EndsWell,
    IsCancelled,
}

/// A task, its users, and what it does for them.
struct Crowd {
    task: Task,
    driver: Runtime,
    brought: Arc<Mutex<Brought>>,
    told: Option<Arc<Told>>,
    callers: Vec<JoinHandle<()>>,
    hearers: Vec<JoinHandle<()>>,
    reads: usize,
    writes: usize,
}

fn crowd(fate: Fate) -> (Peer, Crowd) {
    let peer = Peer::with_room(1);
    let told = once_in(5).then(Arc::<Told>::default);
    let delegate = told.clone().map(|told| Arc::new(told) as Arc<dyn SessionDelegate>);
    let (task, driver) = Task::told(&peer, delegate);
    let brought = Arc::new(Mutex::new(Brought::default()));
    let plans: Vec<_> = (0..up_to(2)).map(|_| plan()).collect();
    let steps = || plans.iter().flatten();
    let reads = steps().filter(|step| matches!(step, Step::Read(_))).count();
    let writes = steps().count() - reads;
    let caller = || Caller { task: task.clone(), fate, brought: brought.clone(), late: Vec::new() };
    let callers = plans.into_iter().map(|plan| caller().follow(plan)).collect();
    let listens = once_in(5).then(|| listens(&task, fate));
    let waits = once_in(5).then(|| waits(&task, fate));
    let hearers = listens.into_iter().chain(waits).collect();
    (peer, Crowd { task, driver, brought, told, callers, hearers, reads, writes })
}

/// True once in so many times.
fn once_in(times: usize) -> bool {
    up_to(times) == 1
}

/// From 1 on.
fn up_to(most: usize) -> usize {
    thread_rng().gen_range(1..=most)
}

/// The forms of an operation.
#[derive(Clone, Copy, Debug)]
enum Form {
    Awaited,
    Called,
    Held,
    PolledAndCalled,
    PolledAndMoved,
    Dropped,
    PolledAndDropped,
}

const FORMS: [Form; 7] = [
    Form::Awaited,
    Form::Called,
    Form::Held,
    Form::PolledAndCalled,
    Form::PolledAndMoved,
    Form::Dropped,
    Form::PolledAndDropped,
];

#[derive(Clone, Copy, Debug)]
enum Step {
    Read(Form),
    Write(Form),
}

fn plan() -> Vec<Step> {
    let step = |_| match once_in(3) {
        true => Step::Write(one_of(&FORMS)),
        false => Step::Read(one_of(&FORMS)),
    };
    (0..up_to(3)).map(step).collect()
}

/// What reads have brought.
#[derive(Default)]
struct Brought {
    bytes: BTreeSet<u8>,
    /// How many reads were dropped: what one of them had is gone if one behind it was looked at.
    dropped: usize,
}

impl Brought {
    fn take(&mut self, read: ReadData) {
        for byte in read.data {
            assert!(self.bytes.insert(byte), "{byte} came twice");
        }
    }
}

/// A result, if it may be none.
fn judge<T>(fate: Fate, result: Result<T, Error>) -> Option<T> {
    match (result, fate) {
        (Ok(result), _) => Some(result),
        (Err(error), Fate::IsCancelled) if error.is_cancelled() => None,
        (Err(error), _) => panic!("{error:?}"),
    }
}

/// A read whose result is put off.
enum Late {
    Held(Polled<ReadData>),
    Called(mpsc::Receiver<Result<ReadData, Error>>),
}

/// One thread's calls.
struct Caller {
    task: Task,
    fate: Fate,
    brought: Arc<Mutex<Brought>>,
    late: Vec<Late>,
}

impl Caller {
    /// The operations of the plan, and then what they have put off.
    fn follow(mut self, plan: Vec<Step>) -> JoinHandle<()> {
        thread::spawn(move || {
            for step in plan {
                match step {
                    Step::Read(form) => self.read(form, self.task.read(1)),
                    Step::Write(form) => self.write(form, self.task.write(b"w")),
                }
            }
            for late in std::mem::take(&mut self.late) {
                self.take(match late {
                    Late::Held(read) => read.finish(),
                    Late::Called(callback) => heard(&callback),
                });
            }
        })
    }

    fn take(&self, read: Result<ReadData, Error>) {
        if let Some(read) = judge(self.fate, read) {
            hold(&self.brought).take(read);
        }
    }

    fn read(&mut self, form: Form, read: Read) {
        match form {
            Form::Awaited => self.take(await_it(read)),
            Form::Called => self.late.push(Late::Called(called(read))),
            Form::Held => self.late.push(Late::Held(Polled::once(read))),
            Form::PolledAndCalled => self.take(Polled::once(read).finish_by_callback()),
            Form::PolledAndMoved => {
                let read = Polled::once(read);
                let moved = thread::spawn(move || read.finish());
                self.take(moved.join().unwrap());
            }
            Form::Dropped => {
                hold(&self.brought).dropped += 1;
                drop(read);
            }
            Form::PolledAndDropped => match Polled::once(read) {
                Polled::Done(read) => self.take(read),
                Polled::Held(read) => {
                    hold(&self.brought).dropped += 1;
                    drop(read);
                }
            },
        }
    }

    fn write(&self, form: Form, write: Write) {
        let result = match form {
            Form::Awaited => await_it(write),
            Form::Called => heard(&called(write)),
            Form::PolledAndCalled => Polled::once(write).finish_by_callback(),
            Form::PolledAndMoved => {
                let write = Polled::once(write);
                thread::spawn(move || write.finish()).join().unwrap()
            }
            Form::Dropped => return drop(write),
            Form::Held | Form::PolledAndDropped => return drop(Polled::once(write)),
        };
        judge(self.fate, result);
    }
}

fn listens(task: &Task, fate: Fate) -> JoinHandle<()> {
    let mut events = task.events();
    thread::spawn(move || {
        let mut last = None;
        while let Some(event) = await_it(events.next()) {
            last = Some(event.kind);
        }
        match (last, fate) {
            (Some(EventKind::Finished(result)), _) => {
                judge(fate, result);
            }
            // It was over before anybody listened.
            (None, Fate::IsCancelled) => {}
            (last, _) => panic!("{last:?}"),
        }
    })
}

fn waits(task: &Task, fate: Fate) -> JoinHandle<()> {
    let completion = task.completion();
    thread::spawn(move || {
        judge(fate, await_it(completion));
    })
}

fn pauses(task: &Task) -> JoinHandle<()> {
    let task = task.clone();
    thread::spawn(move || {
        task.suspend();
        task.resume();
    })
}

/// Says a byte for each read, and takes a byte for each write.
fn speaks(peer: &Peer, reads: usize, writes: usize) -> JoinHandle<()> {
    let peer = peer.clone();
    thread::spawn(move || {
        (0..reads).for_each(|byte| peer.says(&[byte as u8]));
        (0..writes).for_each(|_| peer.makes_room(1));
    })
}

/// Both sides close; what nobody has read is read now, and with that the task is over.
fn ends(task: &Task, peer: &Peer, brought: &Mutex<Brought>, driver: Runtime) {
    await_it(task.close_write()).expect("it is closed");
    assert!(peer.has_heard_the_end());
    peer.ends();
    loop {
        let read = await_it(task.read(1)).expect("it is read, or the end");
        let at_eof = read.at_eof;
        hold(brought).take(read);
        if at_eof {
            break;
        }
    }
    await_it(task.completion()).expect("it ends well");
    driver.join();
}

/// Hears of a life, in order.
#[derive(Default)]
struct Told(Notes<&'static str>);

impl Told {
    fn hear(&self, word: &'static str) {
        assert_no_lock_is_held("a delegate was called");
        let so_far = self.0.so_far();
        assert_ne!(so_far.last(), Some(&"complete"), "{word} behind the last message");
        self.0.note(word);
    }

    /// All of it once the last message has come, sorted.
    fn all(&self) -> Vec<&'static str> {
        let mut words = self.0.wait_until(|words| words.last() == Some(&"complete"));
        words.sort_unstable();
        words
    }
}

impl SessionDelegate for Arc<Told> {
    fn read_closed(&self, _: &Session, _: &StreamTask) {
        self.hear("read closed");
    }

    fn write_closed(&self, _: &Session, _: &StreamTask) {
        self.hear("write closed");
    }

    fn did_complete(&self, _: &Session, _: &StreamTask, _: Option<&Error>) {
        self.hear("complete");
    }
}
