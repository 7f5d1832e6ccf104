//! The questions of a handshake, and who answers them. Plain data; `trust` asks them.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use super::Identity;
use crate::Error;

/// Answers the questions of a handshake. Its methods may block.
pub trait Ask: Send + Sync {
    /// Whether to trust this chain.
    fn server_trust(&self, question: TrustQuestion) -> TrustAnswer;

    /// Which certificate to show.
    fn client_identity(&self, question: IdentityQuestion) -> IdentityAnswer;
}

/// A server's chain and what the default evaluation makes of it.
#[derive(Clone, Debug)]
pub struct TrustQuestion {
    /// The leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The name it was evaluated for.
    pub server_name: String,
    /// What default handling would answer.
    pub evaluation: Result<(), Error>,
}

/// What was decided about a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustAnswer {
    /// Go on, whatever the evaluation says: only the proof that the peer holds its key is still checked.
    Accept,
    /// Do what the evaluation says.
    Default,
    /// Refuse the peer, perhaps with a reason: the task fails as not trusted.
    Reject(Option<Arc<str>>),
    /// Give the whole task up, perhaps with a reason.
    Cancel(Option<Arc<str>>),
    /// It could not even be asked: the task fails, as this machine ran out of something.
    Unasked,
}

/// A server wants to know who we are.
#[derive(Clone, Debug)]
pub struct IdentityQuestion {
    /// The issuers it would accept, in DER.
    pub distinguished_names: Vec<Vec<u8>>,
}

/// Which certificate to show.
#[derive(Clone, Debug)]
pub enum IdentityAnswer {
    /// This one.
    Use(Identity),
    /// None: the server decides whether that will do.
    Continue,
    /// Give the whole task up, perhaps with a reason.
    Cancel(Option<Arc<str>>),
    /// As [`TrustAnswer::Unasked`].
    Unasked,
}
