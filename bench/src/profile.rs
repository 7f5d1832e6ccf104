//! One candidate at one work, over and over, for a profiler to watch.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::args::Measure;
use crate::rounds::Candidate;
use crate::runtime;
use crate::server::Server;

/// Long enough for some thousand samples.
const LENGTH: Duration = Duration::from_secs(10);

/// Runs the work that `measure` names until the time is over.
///
/// # Errors
/// Whatever goes wrong with it.
pub(crate) fn run(measure: &Measure, candidate: Candidate) -> Outcome<()> {
    let works = measure.works()?;
    let server = Server::start()?;
    let start = Instant::now();
    while start.elapsed() < LENGTH {
        for work in &works {
            runtime::run(measure.runtime, candidate, server.site(), *work)?;
        }
    }
    Ok(())
}
