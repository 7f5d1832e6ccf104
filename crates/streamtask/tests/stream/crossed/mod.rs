//! Every call in every form, crossed with every other two at a time on one task: whatever is done with the
//! one, the other comes to what it would come to alone, every byte has one reader, and the task ends as
//! foretold.
//!
//! A part of the cases is tried each time, on both kinds of runtime; `STREAMTASK_NETS=full` tries all.

#[macro_use]
mod calls;
mod foretold;
mod peer;

use streamtask::{Duplex, ErrorKind, StreamTask};
use streamtask_testkit::Server;
use tokio::io::AsyncReadExt;

use crate::layers;
use crate::support::*;
use calls::{CALLS, Call, Ending, Form, Outcome, Told};
use foretold::{Answer, Case, DATA, Foretold, Over};
use peer::Scripts;

impl Case {
    async fn run(self, scripts: &Scripts, server: &Server) {
        let _place = Place(self);
        let foretold = self.foretell();
        scripts.put(foretold.script.clone());
        let task = session_of(layers::configuration())
            .connect("127.0.0.1", server.port())
            .expect("a task can be made");
        self.warm_up(&task).await;
        // A listener changes whom the socket wakes, so there is none of ours where there is none already.
        let listens = self.calls.iter().any(|(call, _)| *call == Call::Events);
        let ours = listens.then(|| task.events());
        let [first, second] = self.calls.map(|(call, form)| call.make(&task, form));
        if foretold.writes_more {
            task.write(DATA, GUARD).detach();
        }
        let [ends_first, ends_second] = self.calls.map(|(call, _)| call.ends_with_the_task());
        // The later one is asked first, so that nothing depends on the order of looking.
        let (mut told, mut endings) = ([None, None], Vec::new());
        for (at, ends, ending) in [(1, ends_second, second), (0, ends_first, first)] {
            match ends {
                true => endings.push((at, ending)),
                false => told[at] = soon(ending).await,
            }
        }
        let mut streams = None;
        let foretold = self.as_it_went(&told).foretell();
        for (at, told) in
            told.into_iter().enumerate().filter(|(at, _)| ![ends_first, ends_second][*at])
        {
            self.check(at, told, &foretold, &mut streams);
        }
        self.check_rest(&task, streams, &foretold).await;
        if let Some(mut ours) = ours {
            for event in &foretold.events[0] {
                let told = soon(ours.next()).await.expect("it is still to come");
                assert_eq!(calls::name(&told), *event);
            }
        }
        if foretold.over == Over::Not {
            task.cancel();
        }
        self.check_end(&task, endings, &foretold).await;
    }

    /// A read that is polled once and dropped takes what has come by then: whether that is what another call
    /// made the peer say is a race, and what was told says how it went.
    fn as_it_went(mut self, told: &[Option<Told>; 2]) -> Self {
        for ((call, form), told) in self.calls.iter_mut().zip(told) {
            if call.is_read() && *form == Form::PolledAndDropped {
                *form = if told.is_some() { Form::Held } else { Form::Dropped };
            }
        }
        self
    }

    /// The connection stands, and what is to be there early is there.
    async fn warm_up(self, task: &StreamTask) {
        if self.is_secure {
            done(task.start_secure_connection()).await;
        }
        let words = if self.is_early { format!("?{DATA}") } else { "?".into() };
        let count = words.len() as u64;
        done(task.write(words, GUARD)).await;
        assert_eq!(text(&done(task.read_exact(1, GUARD)).await), "?");
        if self.is_early {
            // Taken and given back: nobody has looked.
            let all = task.read_exact(DATA.len(), GUARD);
            until(|| task.bytes_received() == count).await;
            drop(all);
        }
    }

    fn check(
        self,
        at: usize,
        told: Option<Told>,
        foretold: &Foretold,
        streams: &mut Option<Duplex>,
    ) {
        let expected = &foretold.answers[at];
        let is_right = match (&told, expected) {
            (None, Answer::None) => true,
            // It was not ready when it was polled, and then it was dropped.
            (None, _) => self.calls[at].1 == Form::PolledAndDropped,
            (Some(Ok(Outcome::Done)), Answer::Done | Answer::DoneOrCancelled) => true,
            (Some(Err(ErrorKind::Cancelled)), Answer::DoneOrCancelled) => true,
            (Some(Ok(Outcome::Captured(_))), Answer::Captured) => true,
            (
                Some(Ok(Outcome::Read { text, is_secure })),
                Answer::Read { text: other, is_secure: layer },
            ) => text == other && is_secure == layer,
            (
                Some(Err(ErrorKind::UnexpectedClearText { .. })),
                Answer::Failed(ErrorKind::UnexpectedClearText { .. }),
            ) => true,
            (Some(Err(kind)), Answer::Failed(other)) => kind == other,
            _ => false,
        };
        assert!(is_right, "{self:?}\n call {at}: {told:?}\n {foretold:#?}");
        if let Some(Ok(Outcome::Captured(duplex))) = told {
            *streams = Some(duplex);
        }
    }

    /// What nobody has taken is still there, in order, each byte under its layer.
    async fn check_rest(self, task: &StreamTask, streams: Option<Duplex>, foretold: &Foretold) {
        let left = &foretold.left;
        if let Some(mut streams) = streams {
            let mut got = vec![0; left.len()];
            soon(streams.read_exact(&mut got)).await.expect("it is there");
            let expected: Vec<u8> = left.iter().map(|(letter, _)| *letter as u8).collect();
            assert_eq!(got, expected, "{self:?}");
        }
        if foretold.over == Over::Captured {
            return;
        }
        for run in left.chunk_by(|one, next| one.1 == next.1) {
            let read = done(task.read_exact(run.len(), GUARD)).await;
            let expected: String = run.iter().map(|(letter, _)| letter).collect();
            assert_eq!((text(&read), read.is_secure), (&*expected, run[0].1), "{self:?}");
        }
    }

    async fn check_end(
        self,
        task: &StreamTask,
        endings: Vec<(usize, Ending)>,
        foretold: &Foretold,
    ) {
        let ended = soon(task.completion()).await.map_err(|error| error.kind());
        let expected = match foretold.over {
            Over::Well | Over::Captured => Ok(()),
            Over::Not => Err(ErrorKind::Cancelled),
            Over::Failed(kind) => Err(kind),
        };
        let same = |told: Result<(), ErrorKind>| match (told, expected) {
            (
                Err(ErrorKind::UnexpectedClearText { .. }),
                Err(ErrorKind::UnexpectedClearText { .. }),
            ) => true,
            (told, expected) => told == expected,
        };
        assert!(same(ended), "{self:?}: {ended:?}, not {expected:?}");
        for (at, ending) in endings {
            match soon(ending).await {
                None => {}
                Some(Ok(Outcome::Happened(events))) => {
                    let mut all = foretold.events[at].clone();
                    all.extend((foretold.over == Over::Not).then_some("failed"));
                    // Whether a switch that was called before was done before as well is a race.
                    let is_racing = at == 1 && matches!(self.calls[0].0, Call::Start | Call::Stop);
                    let is_right = events == all || is_racing && events == all[1.min(all.len())..];
                    assert!(is_right, "{self:?}: {events:?}, not {all:?}");
                }
                Some(told) => {
                    let told = told.map(|outcome| assert!(matches!(outcome, Outcome::Done)));
                    assert!(same(told), "{self:?}: {told:?}, not {expected:?}");
                }
            }
        }
    }
}

/// Says where a test was when it fails.
struct Place(Case);

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{:?}\n{:?}", self.0, self.0.foretell());
        }
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for first in CALLS {
        for second in CALLS {
            for form in first.forms() {
                for other in second.forms() {
                    for (is_early, is_secure) in
                        [(true, false), (false, false), (true, true), (false, true)]
                    {
                        let calls = [(first, *form), (second, *other)];
                        cases.push(Case { calls, is_early, is_secure });
                    }
                }
            }
        }
    }
    cases.retain(|case| case.is_possible());
    cases
}

/// One of so many is tried if not all are.
fn step() -> usize {
    match std::env::var("STREAMTASK_NETS") {
        Ok(how) if how == "full" => 1,
        Ok(_) | Err(_) => 11,
    }
}

async fn run(cases: impl Iterator<Item = Case>) {
    let scripts = Scripts::default();
    let server = scripts.serve();
    for case in cases {
        case.run(&scripts, &server).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_calls_in_any_two_forms_do_not_disturb_each_other() {
    run(cases().into_iter().step_by(step())).await;
}

#[tokio::test]
async fn nor_do_they_where_one_thread_runs_everything() {
    run(cases().into_iter().skip(step() / 2).step_by(step())).await;
}
