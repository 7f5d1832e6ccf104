//! A place among the connections that are being closed: here they are closed at once.

pub(crate) struct Lingerer;
