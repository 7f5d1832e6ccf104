//! The locks of those parts that are also checked under a scheduler of the tests' own.

pub(super) use std::sync::Mutex;

pub(super) use crate::lock;
