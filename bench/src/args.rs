//! What the command line asks for.

use crate::Outcome;
use crate::rounds::Candidate;
use crate::runtime::Kind;
use crate::work::{self, Scale, Work};

/// The command line, understood.
pub(crate) struct Args {
    pub(crate) command: Command,
    pub(crate) measure: Measure,
}

/// What to do.
pub(crate) enum Command {
    Measure,
    /// Only one candidate, over and over, to be watched by a profiler.
    Profile(Candidate),
    /// Be the server: how the program starts itself again.
    Serve,
    Help,
}

/// What to measure, and how.
pub(crate) struct Measure {
    pub(crate) runtime: Kind,
    /// Whether a missed target is a failure.
    pub(crate) check: bool,
    only: Option<String>,
    rounds: Option<u32>,
    scale: Scale,
}

pub(crate) const HELP: &str = "\
Measures streamtask and tokio(-rustls) on the same work, in turn.

Usage: cargo xtask bench [options]
  --only NAME           only works whose names begin so (down, burst-tls, ...)
  --rounds N            how often to take turns (9; with --quick 3)
  --quick               less of each work
  --runtime KIND        single (one thread, as usual) or multi
  --check               exit with 1 if a target is missed
  --profile NAME        run our side of one work for 10 s, for a profiler
  --profile-peer NAME   run the peer's side
";

impl Measure {
    /// The works that are asked for.
    ///
    /// # Errors
    /// When there is none of that name.
    pub(crate) fn works(&self) -> Outcome<Vec<Work>> {
        let name = self.only.as_deref().unwrap_or_default();
        let works: Vec<Work> =
            work::all(self.scale).into_iter().filter(|work| work.name.starts_with(name)).collect();
        match works.is_empty() {
            true => Err(format!("there is no work called {name}").into()),
            false => Ok(works),
        }
    }

    pub(crate) fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(match self.scale {
            Scale::Full => 9,
            Scale::Quick => 3,
        })
    }
}

/// Understands the arguments behind the program's name.
///
/// # Errors
/// When one of them is unknown or lacks its value.
pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Outcome<Args> {
    let mut args = Args {
        command: Command::Measure,
        measure: Measure {
            runtime: Kind::Single,
            check: false,
            only: None,
            rounds: None,
            scale: Scale::Full,
        },
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word.as_str() {
            "serve" => args.command = Command::Serve,
            "--help" | "-h" => args.command = Command::Help,
            "--only" => args.measure.only = Some(value()?),
            "--rounds" => args.measure.rounds = Some(value()?.parse::<u32>()?.max(1)),
            "--quick" => args.measure.scale = Scale::Quick,
            "--check" => args.measure.check = true,
            "--runtime" => args.measure.runtime = value()?.parse()?,
            "--profile" => {
                args.measure.only = Some(value()?);
                args.command = Command::Profile(Candidate::Ours);
            }
            "--profile-peer" => {
                args.measure.only = Some(value()?);
                args.command = Command::Profile(Candidate::Peer);
            }
            unknown => return Err(format!("unknown: {unknown}; try --help").into()),
        }
    }
    Ok(args)
}
