//! What the system lets us do.

use streamtask_unpack::view;

use crate::trouble::{Attempt, Context};

/// What the system lets us do. Found outside of the namespace: inside, everybody looks like root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    /// Everything, as to start servers that give up rights they have.
    Root,
    /// To start servers that run as ourselves.
    User,
}

impl Rights {
    /// Asks the system.
    pub(crate) fn find() -> Attempt<Self> {
        match view::is_root().doing(|| "running id".into())? {
            true => Ok(Rights::Root),
            false => Ok(Rights::User),
        }
    }

    /// As [`named`](Self::named) takes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Rights::Root => "root",
            Rights::User => "user",
        }
    }

    /// Those with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Rights::Root, Rights::User].into_iter().find(|rights| rights.name() == name)
    }
}
