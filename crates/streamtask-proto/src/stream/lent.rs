//! Memory that callers have lent: what they wrote, and the delimiters of their reads.
//!
//! `Bytes` may run its owner's code when it is dropped, and the core runs under the driver's lock. So what
//! is no longer needed is kept here until the driver fetches it and drops it where user code may run.

use std::fmt;

use bytes::Bytes;

use crate::OpId;

/// An operation that has left its lane: its name, and what its caller had lent it.
pub(crate) struct Done {
    pub(crate) id: OpId,
    pub(crate) lent: Bytes,
}

/// Memory on its way back. One piece, as a round trip has it, costs no allocation.
#[derive(Default)]
pub struct Lent {
    one: Option<Bytes>,
    more: Vec<Bytes>,
}

impl Lent {
    pub(crate) fn put(&mut self, bytes: Bytes) {
        match self.one {
            None => self.one = Some(bytes),
            Some(_) => self.more.push(bytes),
        }
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lent")
    }
}
