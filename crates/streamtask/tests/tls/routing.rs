//! Who is asked, in which order, and what becomes of questions that stay open.

use std::sync::{Arc, Mutex};

use streamtask::{
    Challenge, Credential, DelegateQueue, ErrorKind, Session, SessionDelegate, StreamTask,
};
use streamtask_testkit::{Authority, Certificate, Server, TlsSettings};

use crate::support::{configuration, in_time, settings, task};

type Said = Arc<Mutex<Vec<&'static str>>>;

/// Notes each question; trusts in the method it is told to, hands back in the others.
struct Delegate {
    said: Said,
    names: [&'static str; 2],
    trusts_in: &'static str,
}

impl Delegate {
    fn hear(&self, name: &'static str, challenge: Challenge) -> Option<Challenge> {
        self.said.lock().expect("nobody panicked").push(name);
        if name == self.trusts_in {
            challenge.use_credential(Credential::Trust);
            return None;
        }
        Some(challenge)
    }
}

impl SessionDelegate for Delegate {
    fn did_receive_challenge(&self, _: &Session, challenge: Challenge) -> Option<Challenge> {
        self.hear(self.names[0], challenge)
    }

    fn task_did_receive_challenge(
        &self,
        _: &Session,
        _: &StreamTask,
        challenge: Challenge,
    ) -> Option<Challenge> {
        self.hear(self.names[1], challenge)
    }
}

fn stranger() -> Server {
    let settings = TlsSettings::new(&Certificate::self_signed(&["localhost"]));
    Server::start(move |mut conn| {
        let settings = settings.clone();
        async move {
            if conn.start_tls(&settings).await.is_ok() {
                conn.read_to_end().await?;
            }
            Ok(())
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_is_asked_then_the_tasks_own_delegate_then_the_sessions_as_one() {
    let server = stranger();
    let authority = Authority::new();
    let all = ["session", "own", "session as task's"];
    for (trusts_in, expected) in [
        ("session", &all[..1]),
        ("own", &all[..2]),
        ("session as task's", &all[..]),
        ("nobody", &all[..]),
    ] {
        let said = Said::default();
        let of_session =
            Delegate { said: said.clone(), names: ["session", "session as task's"], trusts_in };
        let of_task = Delegate { said: said.clone(), names: ["never asked", "own"], trusts_in };
        let session =
            Session::with_delegate(configuration(&authority), of_session, DelegateQueue::serial())
                .expect("a session");
        let task = session.stream_task("localhost", server.port()).expect("an endpoint");
        task.set_delegate(of_task).expect("not resumed yet");
        task.resume();
        let result = in_time(task.start_secure_connection()).await;
        assert_eq!(*said.lock().expect("nobody panicked"), expected, "{trusts_in}");
        match trusts_in {
            // Default handling knows better.
            "nobody" => {
                assert_eq!(result.expect_err("refused").kind(), ErrorKind::CertificateUnknownRoot)
            }
            _ => drop(result.expect("trusted")),
        }
    }
}

/// Keeps every challenge and answers none.
#[derive(Clone, Default)]
struct Drawer(Arc<Mutex<Vec<Challenge>>>, Arc<tokio::sync::Notify>);

impl SessionDelegate for Drawer {
    fn did_receive_challenge(&self, _: &Session, challenge: Challenge) -> Option<Challenge> {
        self.0.lock().expect("nobody panicked").push(challenge);
        self.1.notify_one();
        None
    }
}

impl Drawer {
    async fn holds(&self, count: usize) {
        while self.0.lock().expect("nobody panicked").len() < count {
            in_time(self.1.notified()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_open_questions_hold_nobody_up_and_can_all_be_answered() {
    let authority = Authority::new();
    let settings = settings(&authority, streamtask_testkit::Version::Tls13);
    let server = streamtask_testkit::echo_tls(settings);
    let drawer = Drawer::default();
    let session =
        Session::with_delegate(configuration(&authority), drawer.clone(), DelegateQueue::serial())
            .expect("a session");
    let tasks: Vec<_> = (0..50).map(|_| task(&session, server.port())).collect();
    let starts: Vec<_> = tasks.iter().map(StreamTask::start_secure_connection).collect();
    drawer.holds(50).await;
    for challenge in drawer.0.lock().expect("nobody panicked").drain(..) {
        challenge.perform_default_handling();
    }
    for start in starts {
        in_time(start).await.expect("TLS");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_cancelled_does_not_wait_for_the_answer() {
    let authority = Authority::new();
    let server = stranger();
    let drawer = Drawer::default();
    let session =
        Session::with_delegate(configuration(&authority), drawer.clone(), DelegateQueue::serial())
            .expect("a session");
    let task = task(&session, server.port());
    let start = task.start_secure_connection();
    drawer.holds(1).await;
    task.cancel();
    assert_eq!(in_time(start).await.expect_err("over").kind(), ErrorKind::Cancelled);
    let challenge = drawer.0.lock().expect("nobody panicked").pop().expect("the question");
    challenge.use_credential(Credential::Trust);
    assert!(task.tls_info().is_none(), "a late answer does nothing");
}
