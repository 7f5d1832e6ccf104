//! The runtime that a measurement has to itself, and the thread it starts on.

use std::str::FromStr;

use tokio::runtime::{Builder, Runtime};

use crate::clock::Sample;
use crate::rounds::Candidate;
use crate::server::Site;
use crate::work::Work;
use crate::{Outcome, ours, peer};

/// Which kind of runtime both candidates get.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Single,
    Multi,
}

/// Lets `candidate` do `work`.
///
/// # Errors
/// Whatever goes wrong with it.
pub(crate) fn run(kind: Kind, candidate: Candidate, site: &Site, work: Work) -> Outcome<Sample> {
    let runtime = kind.build()?;
    let site = site.clone();
    // Spawned, because a multi-threaded runtime runs what it blocks on outside of its threads.
    let done = match candidate {
        Candidate::Ours => runtime.spawn(ours::run(site, work)),
        Candidate::Peer => runtime.spawn(peer::run(site, work)),
    };
    runtime.block_on(done)?
}

impl Kind {
    fn build(self) -> Outcome<Runtime> {
        let mut builder = match self {
            Kind::Single => Builder::new_current_thread(),
            Kind::Multi => Builder::new_multi_thread(),
        };
        Ok(builder.enable_all().build()?)
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "single" => Ok(Kind::Single),
            "multi" => Ok(Kind::Multi),
            other => Err(format!("there is no runtime called {other}")),
        }
    }
}
