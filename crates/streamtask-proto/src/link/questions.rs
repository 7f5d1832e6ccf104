//! The two questions for a name's addresses, and under which numbers they are asked.

use crate::{AddressFamily, Host, Lookup};

/// Whose addresses are asked for, if anybody's.
#[derive(Debug)]
pub(super) struct Questions {
    host: Option<Host>,
    /// That of the first family; the other's is the next.
    number: u32,
}

impl Questions {
    /// `asked` counts the questions of a task, so that no late answer is taken for another's.
    pub(super) fn new(host: Option<Host>, asked: &mut u32) -> Self {
        let number = *asked;
        *asked += 2;
        Questions { host, number }
    }

    pub(super) fn lookup(&self, family: AddressFamily) -> Option<Lookup> {
        let host = self.host.as_ref()?;
        let number = self.number + family as u32;
        Some(Lookup { number, host: host.name().clone(), port: host.port(), family })
    }

    /// Which of these questions an answer is to.
    pub(super) fn family(&self, number: u32) -> Option<AddressFamily> {
        [AddressFamily::V6, AddressFamily::V4]
            .into_iter()
            .find(|family| self.number + *family as u32 == number)
    }
}
