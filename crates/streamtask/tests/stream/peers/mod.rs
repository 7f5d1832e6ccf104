//! Peers that end right behind their last byte, where the kernel's races are real: over and over, on both
//! kinds of runtime, with every result foretold.
//!
//! `STREAMTASK_NETS=full` runs each a thousand times on each kind of runtime. What a reset leaves to be read
//! differs between systems, and only Linux can be asked whether an end has come to a socket.

mod capturing;
mod client;
mod foretold;
mod kernel;
mod peer;
mod sending;
mod starting;
mod stopping;
mod words;

use std::cell::RefCell;
use std::fmt::Debug;
use std::future::Future;

use streamtask_testkit::Version;

use crate::layers::Layer;
use crate::support::{alone, settle};

/// How often each case is run on each kind of runtime.
pub(crate) fn times() -> usize {
    match std::env::var("STREAMTASK_NETS") {
        Ok(how) if how == "full" => 1000,
        Ok(how) => how.parse().expect("STREAMTASK_NETS is a number, or full"),
        Err(_) => 7,
    }
}

/// Runs `body` on a runtime of each kind.
fn on_both<F: Future<Output = ()>>(body: impl Fn() -> F) {
    let single = tokio::runtime::Builder::new_current_thread().enable_all().build();
    single.expect("a runtime").block_on(body());
    let multi = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    multi.expect("a runtime").block_on(body());
}

#[test]
fn nothing_is_left_of_all_that() {
    alone("peers::nothing_is_left_of_all_that", || {
        let count = |what| std::fs::read_dir(what).expect("Linux has it").count();
        let (descriptors, threads) = (|| count("/proc/self/fd"), || count("/proc/self/task"));
        let once = || {
            let (clear, secure) = (Layer::Clear, Layer::Secure(Version::Tls13));
            for layer in [clear, secure] {
                words::all(layer, 1);
                capturing::all(layer, 1);
                sending::all(layer, 1);
            }
            starting::all(Version::Tls13, 1);
            stopping::all(Version::Tls13, 1);
        };
        once();
        settle(|| threads() <= 2);
        let before = descriptors();
        once();
        settle(|| descriptors() <= before && threads() <= 2);
    });
}

/// Says where a test was when it fails.
struct Context(RefCell<Vec<String>>);

impl Context {
    fn new(place: impl Debug) -> Self {
        Context(RefCell::new(vec![format!("{place:?}")]))
    }

    fn note(&self, what: impl Debug) {
        self.0.borrow_mut().push(format!("{what:?}"));
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0.borrow().join("\n    "));
        }
    }
}
