//! A question of the handshake, handed over by value.

use std::fmt;
use std::sync::{Arc, PoisonError};

use rustls::pki_types::CertificateDer;
use streamtask_proto::Error;
use streamtask_proto::tls::{Identity, Sha256};

use crate::sync::{Condvar, Mutex, lock};

/// A server asks to be trusted, or asks who we are (`URLAuthenticationChallenge`).
///
/// Answer it from any thread at any time; until then nothing but the beginning of the handshake has left:
/// no client certificate, no Finished, no byte of yours. **Dropping it cancels the task.**
///
/// A delegate is asked about trust in each full handshake, whatever the configured roots and pins make of the
/// server (see [`ServerTrust::evaluation`]); answers are not kept, but a handshake that resumes an earlier TLS
/// session asks nobody. About the client certificate it is asked only if
/// [`Configuration::identity`](crate::Configuration::identity) has none.
///
/// The question about the client certificate may come before the one about trust (TLS asks in that
/// order); the certificate is never sent before trust is given.
///
/// ```
/// use streamtask::{Challenge, Credential};
///
/// // Asks a person, on whatever thread and for however long: the handshake waits.
/// fn ask(challenge: Challenge) {
///     std::thread::spawn(move || match challenge.server_trust() {
///         None => challenge.perform_default_handling(),
///         Some(trust) if trust.evaluation.is_ok() => challenge.perform_default_handling(),
///         Some(trust) => {
///             println!("{} shows {}. Trust it?", trust.server_name, trust.sha256());
///             let mut answer = String::new();
///             match std::io::stdin().read_line(&mut answer) {
///                 Ok(_) if answer.trim() == "yes" => challenge.use_credential(Credential::Trust),
///                 _ => challenge.reject("the user does not know it"),
///             }
///         }
///     });
/// }
/// ```
pub struct Challenge {
    space: ProtectionSpace,
    question: Arc<Question>,
}

/// What is being asked, about whom (`URLProtectionSpace`).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProtectionSpace {
    /// The host the task was made for; `localhost` for one at a path.
    pub host: String,
    /// Its port; 0 for one at a path.
    pub port: u16,
    /// What is asked.
    pub method: AuthenticationMethod,
}

/// What is asked (`NSURLAuthenticationMethod…`).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AuthenticationMethod {
    /// Whether to trust the server.
    ServerTrust(ServerTrust),
    /// Which certificate to show.
    ClientCertificate {
        /// The issuers that the server would accept, in DER. None means any.
        distinguished_names: Vec<Vec<u8>>,
    },
}

/// A chain, and what default handling makes of it (`SecTrust`).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerTrust {
    /// The leaf first.
    pub certificates: Vec<CertificateDer<'static>>,
    /// The name that was asked for.
    pub server_name: String,
    /// What [`Challenge::perform_default_handling`] would come to.
    pub evaluation: Result<(), Error>,
}

impl ServerTrust {
    /// The SHA-256 of the server's own certificate, as `openssl x509 -fingerprint -sha256` shows it.
    pub fn sha256(&self) -> Sha256 {
        Sha256::of(self.certificates.first().map_or(&[], |leaf| leaf))
    }

    /// The SHA-256 of the public key in that certificate, which stays when the certificate is renewed for
    /// the same key; `None` if no key can be found in it.
    pub fn public_key_sha256(&self) -> Option<Sha256> {
        Sha256::of_public_key(self.certificates.first()?)
    }
}

/// An answer that gives something (`URLCredential`).
///
/// ```
/// use streamtask::{AuthenticationMethod, Challenge, Credential, Identity, Session, SessionDelegate};
///
/// /// Shows the certificate that one of the server's issuers has signed, and none to anybody else.
/// struct Member(Identity);
///
/// impl SessionDelegate for Member {
///     fn did_receive_challenge(&self, _: &Session, challenge: Challenge) -> Option<Challenge> {
///         match &challenge.protection_space().method {
///             AuthenticationMethod::ClientCertificate { distinguished_names: issuers }
///                 if issuers.iter().any(|name| name.as_slice() == our_issuer()) =>
///             {
///                 challenge.use_credential(Credential::Identity(self.0.clone()));
///                 None
///             }
///             _ => Some(challenge), // the default decides
///         }
///     }
/// }
/// # fn our_issuer() -> &'static [u8] { b"" }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credential {
    /// The server is trusted, whatever is wrong with its certificate. That it holds the key of this
    /// certificate is still checked.
    Trust,
    /// This is who we are.
    Identity(Identity),
}

/// What to do about a challenge (`URLSession.AuthChallengeDisposition`), with Foundation's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Disposition {
    /// Go on with the credential; with none, as default handling.
    UseCredential = 0,
    /// Evaluate the server as configured; show the configured certificate or none.
    PerformDefaultHandling = 1,
    /// Give the whole task up: it fails as cancelled.
    Cancel = 2,
    /// Refuse the server: the task fails with [`ErrorKind::ServerRejected`](crate::ErrorKind::ServerRejected),
    /// and the server gets an alert. For a client certificate: show none.
    RejectProtectionSpace = 3,
}

impl Challenge {
    pub(crate) fn new(space: ProtectionSpace, question: Arc<Question>) -> Self {
        Challenge { space, question }
    }

    /// What is being asked, about whom.
    pub fn protection_space(&self) -> &ProtectionSpace {
        &self.space
    }

    /// The chain to trust or not, if that is the question.
    pub fn server_trust(&self) -> Option<&ServerTrust> {
        match &self.space.method {
            AuthenticationMethod::ServerTrust(trust) => Some(trust),
            AuthenticationMethod::ClientCertificate { .. } => None,
        }
    }

    /// Answers as the completion handler of Foundation's `urlSession(_:task:didReceive:completionHandler:)`
    /// does. [`Disposition::UseCredential`] without a credential, or with one for another question, is default
    /// handling. The methods below say the same in one word each.
    pub fn respond(self, disposition: Disposition, credential: Option<Credential>) {
        self.question.give(Given { disposition, credential, reason: None });
    }

    /// Goes on with `credential`: [`Credential::Trust`] where the server is asked about,
    /// [`Credential::Identity`] where it asks for a certificate of ours.
    pub fn use_credential(self, credential: Credential) {
        self.respond(Disposition::UseCredential, Some(credential));
    }

    /// Does as if there were no delegate: trusts the server if its [evaluation](ServerTrust::evaluation) is
    /// good and ends the task with that error if not; shows the configured certificate, or none.
    pub fn perform_default_handling(self) {
        self.respond(Disposition::PerformDefaultHandling, None);
    }

    /// Gives the whole task up: it ends as [cancelled](crate::ErrorKind::Cancelled), and so does everything that
    /// is queued.
    pub fn cancel(self) {
        self.respond(Disposition::Cancel, None);
    }

    /// Refuses the server, so that the task ends with
    /// [`ErrorKind::ServerRejected`](crate::ErrorKind::ServerRejected); or shows no certificate and goes on, if
    /// that was asked for.
    pub fn reject_protection_space(self) {
        self.respond(Disposition::RejectProtectionSpace, None);
    }

    /// As [`reject_protection_space`](Self::reject_protection_space), with a reason that the task's [`Error`]
    /// tells. The server gets an alert without it; where it asked for a certificate, nobody needs the reason.
    ///
    /// ```
    /// # use streamtask::Challenge;
    /// # fn decide(challenge: Challenge) {
    /// challenge.reject("the device was reset since it was paired");
    /// // 192.0.2.7:993: the delegate refused the server (the device was reset since it was paired)
    /// # }
    /// ```
    pub fn reject(self, reason: impl Into<Arc<str>>) {
        let (disposition, reason) = (Disposition::RejectProtectionSpace, Some(reason.into()));
        self.question.give(Given { disposition, credential: None, reason });
    }
}

impl Drop for Challenge {
    /// Whoever throws the question away does not want the connection.
    fn drop(&mut self) {
        let reason = Some("a challenge was dropped unanswered".into());
        self.question.give(Given { disposition: Disposition::Cancel, credential: None, reason });
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge").field("protection_space", &self.space).finish_non_exhaustive()
    }
}

/// Where the one who asks waits for the one who answers. The first answer counts.
#[derive(Default)]
pub(crate) struct Question {
    given: Mutex<Option<Given>>,
    came: Condvar,
}

#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) disposition: Disposition,
    pub(crate) credential: Option<Credential>,
    pub(crate) reason: Option<Arc<str>>,
}

impl Given {
    pub(crate) const CANCELLED: Given =
        Given { disposition: Disposition::Cancel, credential: None, reason: None };
}

impl Question {
    /// Nobody waits for the answer any more.
    pub(crate) fn withdraw(&self) {
        self.give(Given::CANCELLED);
    }

    pub(crate) fn give(&self, answer: Given) {
        lock(&self.given).get_or_insert(answer);
        self.came.notify_all();
    }

    /// Blocks until there is an answer.
    pub(crate) fn wait(&self) -> Given {
        let mut given = lock(&self.given);
        loop {
            match &*given {
                Some(answer) => return answer.clone(),
                None => {
                    given = self.came.wait(given).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}
