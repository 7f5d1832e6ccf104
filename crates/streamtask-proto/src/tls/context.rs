//! For which connection rustls is running right now.
//!
//! A session has one verifier, one resolver and one ticket store, so that tickets match; what belongs to
//! a single connection reaches them through this thread-local, set around every call into rustls (which
//! is always synchronous). Nobody else may depend on it.

use std::cell::RefCell;
use std::sync::Arc;

use super::binding::Secrets;
use super::hello::ServerHello;
use super::question::Ask;

/// What one connection brings along and learns while rustls runs for it.
#[derive(Default)]
pub(crate) struct Context {
    /// Who is asked about trust and identity; nobody means default handling.
    pub(crate) asker: Option<Arc<dyn Ask>>,
    /// Set when somebody who was asked does not want to go on.
    pub(crate) given_up: Option<GivenUp>,
    /// Whether an earlier session may stand in for a trust question.
    pub(crate) may_resume: bool,
    /// Whether the peer was trusted against the default evaluation: then only its key is checked, and
    /// nothing that is learnt here may stand in for a later trust question.
    pub(crate) overruled: bool,
    /// Whether an identity was chosen for this connection alone: what is learnt here is no other's.
    pub(crate) has_own_identity: bool,
    /// Whether we showed a certificate: decides what an alert about certificates means.
    pub(crate) showed_identity: bool,
    /// What the server said first.
    pub(crate) server_hello: ServerHello,
    /// What the exporter needs.
    pub(crate) secrets: Secrets,
}

impl Context {
    /// Whether a later connection may resume this one's session.
    pub(crate) fn may_be_remembered(&self) -> bool {
        !self.overruled && !self.has_own_identity
    }
}

/// Why a task is given up in the middle of its handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// Somebody said *cancel*, and perhaps why.
    Cancelled(Option<Arc<str>>),
    /// Somebody refused the peer, and perhaps said why.
    Refused(Option<Arc<str>>),
    /// A question could not be asked.
    Unasked,
}

thread_local! {
    static CURRENT: RefCell<Option<Box<Context>>> = const { RefCell::new(None) };
}

/// Runs `work` for the connection of `context`, lending it to [`with`] meanwhile.
///
/// It nests: `work` may ask somebody who drives another connection before answering. Whether `work`
/// returns or panics, every context is back with its owner afterwards.
pub(crate) fn within<T>(context: &mut Option<Box<Context>>, work: impl FnOnce() -> T) -> T {
    let outer = CURRENT.replace(context.take());
    let _lent = Lent { owner: context, outer };
    work()
}

/// A context on loan to this thread; dropping it puts everything back.
struct Lent<'a> {
    owner: &'a mut Option<Box<Context>>,
    outer: Option<Box<Context>>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        *self.owner = CURRENT.replace(self.outer.take());
    }
}

/// Looks into the current connection's context; `None` outside of [`within`].
pub(crate) fn with<T>(look: impl FnOnce(&mut Context) -> T) -> Option<T> {
    CURRENT.with_borrow_mut(|current| current.as_deref_mut().map(look))
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn context(may_resume: bool) -> Option<Box<Context>> {
        Some(Box::new(Context { may_resume, ..Context::default() }))
    }

    fn seen() -> Option<bool> {
        with(|context| context.may_resume)
    }

    #[test]
    fn a_connection_driven_within_another_leaves_the_outer_one_its_context() {
        let (mut outer, mut inner) = (context(true), context(false));
        within(&mut outer, || {
            within(&mut inner, || assert_eq!(seen(), Some(false)));
            assert_eq!(seen(), Some(true), "the outer connection is the current one again");
            with(|context| context.given_up = Some(GivenUp::Unasked));
        });
        assert_eq!(seen(), None);
        assert!(outer.expect("given back").given_up.is_some());
        assert!(inner.expect("given back").given_up.is_none());
    }

    #[test]
    fn a_panic_gives_every_context_back() {
        let (mut outer, mut inner) = (context(true), context(false));
        within(&mut outer, || {
            let panics = AssertUnwindSafe(|| within(&mut inner, || panic!("a delegate's bug")));
            assert!(catch_unwind(panics).is_err());
            assert_eq!(seen(), Some(true));
        });
        assert!(outer.is_some() && inner.is_some());
        assert_eq!(seen(), None);
    }
}
