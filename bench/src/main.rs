//! streamtask and its peers on the same work, in turn.
//!
//! The peers are plain tokio and tokio-rustls, with a `timeout` around each operation, as our
//! operations have one. Both talk to one server in a process of its own, whose work is not counted.
//! What counts is the ratio of CPU times, ours to theirs, round by round; wall time stands beside.
//!
//! [`work`] says what is measured and what is to be reached, [`ours`] and [`peer`] do it, each as a
//! plain user would; [`rounds`] takes turns, [`report`] prints.

mod args;
mod clock;
mod ours;
mod peer;
mod profile;
mod report;
mod rounds;
mod runtime;
mod server;
mod work;

use std::error::Error;
use std::process::ExitCode;

use args::{Args, Command, Measure};
use report::Verdict;
use server::Server;

/// What may fail here ends the program with its message.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let done = args::parse(std::env::args().skip(1)).and_then(run);
    done.unwrap_or_else(|error| {
        eprintln!("streamtask-bench: {error}");
        ExitCode::from(2)
    })
}

fn run(args: Args) -> Outcome<ExitCode> {
    match args.command {
        Command::Help => print!("{}", args::HELP),
        Command::Serve => server::serve()?,
        Command::Profile(candidate) => profile::run(&args.measure, candidate)?,
        Command::Measure => return measure(&args.measure),
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(measure: &Measure) -> Outcome<ExitCode> {
    let works = measure.works()?;
    let server = Server::start()?;
    report::head();
    let mut missed = 0;
    for work in works {
        let rounds = rounds::alternate(measure.rounds(), |candidate| {
            runtime::run(measure.runtime, candidate, server.site(), work)
        })?;
        if let Verdict::Over = report::line(&work, &rounds) {
            missed += 1;
        }
    }
    report::foot(missed);
    let fails = measure.check && missed > 0;
    Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
