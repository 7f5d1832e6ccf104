//! For which connection rustls is running right now.
//!
//! A session has one verifier, one resolver and one ticket store, so that tickets match; what belongs to
//! a single connection reaches them through this thread-local, set around every call into rustls (which
//! is always synchronous). Nobody else may depend on it.

use std::cell::RefCell;
use std::sync::Arc;

use super::binding::Secrets;
use super::question::Ask;

/// What one connection brings along and learns while rustls runs for it.
#[derive(Default)]
pub(crate) struct Context {
    /// Who is asked about trust and identity; nobody means default handling.
    pub(crate) asker: Option<Arc<dyn Ask>>,
    /// Set when somebody said *cancel* rather than *no*.
    pub(crate) cancelled: bool,
    /// Whether an earlier session may stand in for a trust question.
    pub(crate) may_resume: bool,
    /// Whether what is learnt here may stand in for a later trust question: not once the default
    /// evaluation was overruled, or an identity was chosen for this connection alone.
    pub(crate) may_remember: bool,
    /// Whether we showed a certificate: decides what an alert about certificates means.
    pub(crate) showed_identity: bool,
    /// What the exporter needs.
    pub(crate) secrets: Secrets,
}

thread_local! {
    static CURRENT: RefCell<Option<Box<Context>>> = const { RefCell::new(None) };
}

/// Runs `work` for the connection of `context`, lending it to [`with`] meanwhile.
pub(crate) fn within<T>(context: &mut Option<Box<Context>>, work: impl FnOnce() -> T) -> T {
    CURRENT.set(context.take());
    let done = work();
    *context = CURRENT.take();
    done
}

/// Looks into the current connection's context; `None` outside of [`within`].
pub(crate) fn with<T>(look: impl FnOnce(&mut Context) -> T) -> Option<T> {
    CURRENT.with_borrow_mut(|current| current.as_deref_mut().map(look))
}
