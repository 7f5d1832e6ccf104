//! From a question of the handshake to a challenge for the delegate, and back.
//!
//! The handshake's thread blocks here until somebody answers; who is asked follows Foundation's order
//! (spec, 6.2): the session's delegate, then the task's own, then the session's again as a task delegate,
//! then default handling.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use streamtask_proto::tls::{Ask, IdentityAnswer, IdentityQuestion, TrustAnswer, TrustQuestion};
use streamtask_proto::{Host, Input};

use super::{Dispatch, handles};
use crate::challenge::{
    AuthenticationMethod, Challenge, Credential, Disposition, Given, ProtectionSpace, Question,
    ServerTrust,
};
use crate::lock;
use crate::session::SessionInner;
use crate::task::TaskInner;

impl Ask for Dispatch {
    fn server_trust(&self, question: TrustQuestion) -> TrustAnswer {
        let asked = self.ask(AuthenticationMethod::ServerTrust(ServerTrust {
            certificates: question.chain,
            server_name: question.server_name,
            evaluation: question.evaluation,
        }));
        let Asked::Answered(given) = asked else { return TrustAnswer::Unasked };
        match (given.disposition, given.credential) {
            (Disposition::UseCredential, Some(Credential::Trust)) => TrustAnswer::Accept,
            // Without a credential, or with one for another question, it is as default handling.
            (Disposition::UseCredential | Disposition::PerformDefaultHandling, _) => {
                TrustAnswer::Default
            }
            (Disposition::Cancel, _) => TrustAnswer::Cancel(given.reason),
            (Disposition::RejectProtectionSpace, _) => TrustAnswer::Reject(given.reason),
        }
    }

    fn client_identity(&self, question: IdentityQuestion) -> IdentityAnswer {
        let names = question.distinguished_names;
        let asked =
            self.ask(AuthenticationMethod::ClientCertificate { distinguished_names: names });
        let Asked::Answered(given) = asked else { return IdentityAnswer::Unasked };
        match (given.disposition, given.credential) {
            (Disposition::UseCredential, Some(Credential::Identity(identity))) => {
                IdentityAnswer::Use(identity)
            }
            (Disposition::Cancel, _) => IdentityAnswer::Cancel(given.reason),
            (_, _) => IdentityAnswer::Continue,
        }
    }
}

/// What came of asking.
enum Asked {
    Answered(Given),
    /// Too many wait for an answer already, and each of them has a thread.
    Refused,
}

impl Dispatch {
    fn ask(&self, method: AuthenticationMethod) -> Asked {
        let Some(task) = self.0.upgrade() else { return Asked::Answered(Given::CANCELLED) };
        let Some(_open) = OpenQuestion::new(&task.session) else { return Asked::Refused };
        let target = &task.shared.target;
        let host = target.host();
        let space = ProtectionSpace {
            host: host.map_or(target.server_name(), |host| host.name()).to_owned(),
            port: host.map_or(0, Host::port),
            method,
        };
        let question = Arc::new(Question::default());
        let challenge = Challenge::new(space, question.clone());
        {
            let mut state = task.shared.lock();
            if state.ended.is_some() {
                return Asked::Answered(Given::CANCELLED);
            }
            // Should the task end first, nobody waits for the answer.
            state.question = Some(question.clone());
            // Under the lock, so that nobody is asked behind the task's last message.
            let asked = task.clone();
            task.shared.mailbox.put(move || route(&asked, challenge));
        }
        // From here to the answer the time is not the peer's.
        task.shared.input(Input::Asked);
        drop(task);
        let given = question.wait();
        if let Some(task) = self.0.upgrade() {
            task.shared.input(Input::Answered);
        }
        Asked::Answered(given)
    }
}

/// A question that counts among the open ones of its session.
struct OpenQuestion(Arc<SessionInner>);

impl OpenQuestion {
    fn new(session: &Arc<SessionInner>) -> Option<Self> {
        let question = OpenQuestion(session.clone());
        let others = session.questions.fetch_add(1, Ordering::AcqRel);
        (others < MOST_QUESTIONS).then_some(question)
    }
}

impl Drop for OpenQuestion {
    fn drop(&mut self) {
        self.0.questions.fetch_sub(1, Ordering::AcqRel);
    }
}

/// How many questions of one session may be open at once: each blocks a thread, and a session whose
/// delegate does not answer must not use up those of the others.
const MOST_QUESTIONS: usize = 512;

/// On the delegate queue: finds the one who answers.
fn route(asked: &Arc<TaskInner>, challenge: Challenge) {
    let (session, task) = handles(asked);
    let (of_session, of_task) = (asked.session.delegate(), lock(&asked.delegate).clone());
    let mut open = Some(challenge);
    if let Some(delegate) = &of_session {
        open = open.and_then(|challenge| delegate.did_receive_challenge(&session, challenge));
    }
    for delegate in [&of_task, &of_session].into_iter().flatten() {
        open = open
            .and_then(|challenge| delegate.task_did_receive_challenge(&session, &task, challenge));
    }
    if let Some(challenge) = open {
        challenge.perform_default_handling();
    }
}
