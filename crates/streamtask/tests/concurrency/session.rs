//! As much of a session as its tasks ask for.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::SessionDelegate;

pub(crate) struct SessionInner {
    delegate: Option<Arc<dyn SessionDelegate>>,
    pub(crate) questions: AtomicUsize,
}

impl SessionInner {
    pub(crate) fn new(delegate: Option<Arc<dyn SessionDelegate>>) -> Arc<Self> {
        Arc::new(SessionInner { delegate, questions: AtomicUsize::new(0) })
    }

    pub(crate) fn delegate(&self) -> Option<Arc<dyn SessionDelegate>> {
        self.delegate.clone()
    }

    pub(crate) fn has_delegate(&self) -> bool {
        self.delegate.is_some()
    }

    pub(crate) fn task_ended(&self, _: u64) {}

    pub(crate) fn kick(&self) {}
}

/// What delegates are handed.
pub struct Session(Arc<SessionInner>);

impl Session {
    pub(crate) fn from_inner(inner: Arc<SessionInner>) -> Self {
        Session(inner)
    }
}
