//! Whoever asks gets the answer that was given, and never waits longer than for that.

use std::sync::Arc;

use shuttle::sync::{Mutex, mpsc};
use shuttle::thread;
use streamtask_proto::Error;
use streamtask_proto::tls::{TrustAnswer, TrustQuestion};

use crate::challenge::{Challenge, Credential, Disposition, Given, Question};
use crate::model::{check, check_all};
use crate::net::Peer;
use crate::people::{Notes, hold, one_of};
use crate::sync::assert_no_lock_is_held;
use crate::world::{Task, end};
use crate::{Session, SessionDelegate, StreamTask};

const COUNT: usize = 1000;

fn given(disposition: Disposition) -> Given {
    Given { disposition, credential: None, reason: None }
}

fn first_of_two_answers() {
    let answer = Arc::new(Question::default());
    let answers = [Disposition::Cancel, Disposition::PerformDefaultHandling].map(|disposition| {
        let answer = answer.clone();
        thread::spawn(move || answer.give(given(disposition)))
    });
    let first = answer.wait().disposition;
    answers.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(answer.wait().disposition, first, "the first answer counts");
}

#[test]
fn the_first_answer_counts_in_every_order() {
    check_all(first_of_two_answers);
}

/// What a delegate does with a challenge.
#[derive(Clone, Copy, Debug)]
enum Manner {
    AtOnce,
    Later,
    Drops,
    HandsBack,
    /// And never answers.
    Keeps,
}

/// A delegate, and how it went.
struct Clerk {
    manner: Manner,
    later: Mutex<mpsc::Sender<Challenge>>,
    heard: Arc<Notes<&'static str>>,
}

impl Clerk {
    fn hear(&self, word: &'static str) {
        assert_no_lock_is_held("a delegate was called");
        let so_far = self.heard.so_far();
        assert_ne!(so_far.last(), Some(&"complete"), "{word} behind the last message");
        self.heard.note(word);
    }
}

impl SessionDelegate for Clerk {
    fn did_receive_challenge(&self, _: &Session, challenge: Challenge) -> Option<Challenge> {
        self.hear("challenge");
        match self.manner {
            Manner::AtOnce => challenge.use_credential(Credential::Trust),
            // Whoever was to answer may be gone; then it is dropped.
            Manner::Later | Manner::Keeps => drop(hold(&self.later).send(challenge)),
            Manner::Drops => drop(challenge),
            Manner::HandsBack => return Some(challenge),
        }
        None
    }

    fn did_complete(&self, _: &Session, _: &StreamTask, _: Option<&Error>) {
        self.hear("complete");
    }
}

/// What somebody who asks is told, while somebody else cancels the task or not.
fn asks(manner: Manner, is_cancelled: bool) -> TrustAnswer {
    let peer = Peer::with_room(0);
    let (later, challenges) = mpsc::channel();
    let heard = Arc::new(Notes::default());
    let clerk = Clerk { manner, later: Mutex::new(later), heard: heard.clone() };
    let (task, driver) = Task::told(&peer, Some(Arc::new(clerk)));
    let asker = task.asker();
    let asks = thread::spawn(move || {
        let name = "peer".to_owned();
        asker.server_trust(TrustQuestion { chain: vec![], server_name: name, evaluation: Ok(()) })
    });
    let (over, is_over) = mpsc::channel::<()>();
    let answers = thread::spawn(move || match (challenges.recv(), manner) {
        (Ok(challenge), Manner::Later) => challenge.reject_protection_space(),
        (Ok(challenge), _) => drop((is_over.recv(), challenge)),
        (Err(_), _) => {}
    });
    if is_cancelled {
        task.cancel();
    }
    let answer = asks.join().unwrap();
    drop(over);
    end(&task, driver);
    heard.wait_until(|words| words.last() == Some(&"complete"));
    // With the task goes the delegate, and with that whoever might still have answered.
    drop(task);
    answers.join().unwrap();
    answer
}

const MANNERS: [Manner; 4] = [Manner::AtOnce, Manner::Later, Manner::Drops, Manner::HandsBack];

impl Manner {
    fn answer(self) -> TrustAnswer {
        match self {
            Manner::AtOnce => TrustAnswer::Accept,
            Manner::Later => TrustAnswer::Reject(None),
            Manner::Drops => TrustAnswer::Cancel(Some("a challenge was dropped unanswered".into())),
            Manner::HandsBack => TrustAnswer::Default,
            Manner::Keeps => TrustAnswer::Cancel(None),
        }
    }
}

pub(crate) fn answered() {
    let manner = one_of(&MANNERS);
    assert_eq!(asks(manner, false), manner.answer());
}

fn cancelled_meanwhile() {
    let manner = one_of(&[&MANNERS[..], &[Manner::Keeps]].concat());
    let given = asks(manner, true);
    assert!(given == manner.answer() || given == TrustAnswer::Cancel(None), "{given:?}");
}

#[test]
fn whoever_asks_is_told_what_was_answered() {
    check(COUNT, answered);
}

#[test]
fn whoever_asks_a_task_that_ends_is_told_no() {
    check(COUNT, cancelled_meanwhile);
}
