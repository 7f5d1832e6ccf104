//! Handshakes that ask somebody: their limit in time, and how many may wait for an answer at once.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use streamtask::{
    Challenge, Configuration, Credential, DelegateQueue, ErrorKind, Limit, Session,
    SessionDelegate, StreamTask,
};
use streamtask_testkit::{Authority, Server};

use crate::support::{SOON, VERSIONS, configuration, in_time, settings, task};

/// Hands every challenge over to the test.
struct Forward(Sender<Challenge>);

impl SessionDelegate for Forward {
    fn task_did_receive_challenge(
        &self,
        _: &Session,
        _: &StreamTask,
        challenge: Challenge,
    ) -> Option<Challenge> {
        let _ = self.0.send(challenge);
        None
    }
}

fn asking(configuration: Configuration) -> (Session, Receiver<Challenge>) {
    let (sender, receiver) = channel();
    let session = Session::with_delegate(configuration, Forward(sender), DelegateQueue::serial());
    (session.expect("a session"), receiver)
}

/// A server that says the beginning of a handshake for ever, a byte a record.
fn dribbler() -> Server {
    Server::start(|mut conn| async move {
        conn.read().await?;
        // A ServerHello (type 2) of 65 535 bytes (RFC 8446, 4 and 5.1).
        for byte in [2, 0, 0xff, 0xff].into_iter().chain(std::iter::repeat(0)) {
            conn.write(vec![22, 3, 3, 0, 1, byte]).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_could_ask_somebody_has_its_limit_all_the_same() {
    let authority = Authority::new();
    let limit = Duration::from_millis(300);
    let (session, _challenges) = asking(configuration(&authority).timeout_for_request(limit));
    let server = dribbler();
    let task = task(&session, server.port());
    let begun = Instant::now();
    let error = in_time(task.start_secure_connection()).await.expect_err("it never ends");
    assert_eq!(error.kind(), ErrorKind::TimedOut(Limit::SecureStart));
    assert!(begun.elapsed() < SOON / 4, "within its limit, not within the test's");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_that_an_answer_takes_does_not_count() {
    for version in VERSIONS {
        let authority = Authority::new();
        let limit = Duration::from_millis(400);
        let (session, challenges) = asking(configuration(&authority).timeout_for_request(limit));
        let settings = settings(&authority, version);
        let server = Server::start(move |mut conn| {
            let settings = settings.clone();
            async move {
                conn.start_tls(&settings).await?;
                conn.write("hello").await
            }
        });
        let task = task(&session, server.port());
        let securing = task.start_secure_connection();
        let answer = tokio::task::spawn_blocking(move || {
            let challenge = challenges.recv_timeout(SOON).expect("a question");
            std::thread::park_timeout(2 * limit);
            challenge.use_credential(Credential::Trust);
        });
        in_time(securing).await.expect("the answer came late and counts");
        answer.await.expect("it was given");
        assert_eq!(in_time(task.read_exact(5, SOON)).await.expect("a greeting").data, "hello");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn open_questions_of_one_session_do_not_stop_the_handshakes_of_another() {
    let authority = Authority::new();
    let settings = settings(&authority, VERSIONS[1]);
    let server = Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            match conn.start_tls(&settings).await {
                Ok(()) => conn.wait_closed().await.map(drop),
                Err(_) => Ok(()),
            }
        }
    });
    let (full, unanswered) = asking(configuration(&authority));
    let waiting: Vec<_> = (0..MOST + 8)
        .map(|_| {
            let task = task(&full, server.port());
            (task.start_secure_connection(), task)
        })
        .collect();
    let (ended, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let mut open = Vec::new();
    for (securing, task) in waiting {
        let ended = ended.clone();
        securing.on_complete(move |result| drop(ended.send(result.map_err(|error| error.kind()))));
        open.push(task);
    }
    let questions = tokio::task::spawn_blocking(move || {
        let all: Vec<_> =
            (0..MOST).map(|_| unanswered.recv_timeout(SOON).expect("asked")).collect();
        (all, unanswered)
    });
    let (asked, unanswered) = in_time(questions).await.expect("that many may be open");
    let (free, challenges) = asking(configuration(&authority));
    let other = task(&free, server.port());
    let securing = other.start_secure_connection();
    let answering = tokio::task::spawn_blocking(move || {
        challenges.recv_timeout(SOON).expect("a question").use_credential(Credential::Trust);
    });
    in_time(securing).await.expect("another session is not held up");
    answering.await.expect("it was answered");
    for _ in 0..8 {
        let end = in_time(async { ends.recv().await.ok_or(()) }).await.expect("it is called");
        assert_eq!(end.err(), Some(ErrorKind::ResourceExhausted), "one over the limit");
    }
    full.invalidate_and_cancel();
    for _ in 0..MOST {
        let end = in_time(async { ends.recv().await.ok_or(()) }).await.expect("it is called");
        assert_eq!(end.err(), Some(ErrorKind::Cancelled), "nobody said yes");
    }
    drop((asked, unanswered, open));
}

/// How many questions may be open at once in one session.
const MOST: usize = 512;
