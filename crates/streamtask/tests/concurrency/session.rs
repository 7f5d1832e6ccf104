//! As much of a session as its tasks' drivers ask for.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::runtime::Handle;

use crate::SessionDelegate;
use crate::net::linger::Closer;
use crate::queue::Executor;

pub(crate) struct SessionInner {
    pub(crate) configuration: Configuration,
    pub(crate) executor: Executor,
    delegate: Option<Arc<dyn SessionDelegate>>,
    pub(crate) questions: AtomicUsize,
}

#[derive(Default)]
pub(crate) struct Configuration {
    pub(crate) tolerate_truncation: bool,
}

impl SessionInner {
    pub(crate) fn new(executor: Executor, delegate: Option<Arc<dyn SessionDelegate>>) -> Arc<Self> {
        Arc::new(SessionInner {
            configuration: Configuration::default(),
            executor,
            delegate,
            questions: AtomicUsize::new(0),
        })
    }

    pub(crate) fn delegate(&self) -> Option<Arc<dyn SessionDelegate>> {
        self.delegate.clone()
    }

    pub(crate) fn closer(&self, _: Handle) -> Closer {
        Closer
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
