//! The command line.

use crate::rights::Rights;
use crate::server::RECIPES;
use crate::trouble::Attempt;

pub(crate) const USAGE: &str = "\
usage: streamtask-interop [--keep] [--no-fetch] [SERVER...]

  --keep        leave the folder with configurations and logs, and say where it is
  --no-fetch    fetch no package: what was fetched before or is installed has to do
  SERVER        only these: postfix, dovecot, proftpd, pureftpd, openssl, python

The command under test is $STREAMTASK_BIN, or else the streamtask beside this program.";

/// What was asked for.
pub(crate) struct Arguments {
    pub(crate) keeps: bool,
    pub(crate) fetches: bool,
    /// The servers to try; none means all.
    pub(crate) only: Vec<String>,
    pub(crate) stage: Stage,
}

/// Which of the two lives of this program it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// As it was called.
    Outside,
    /// In a network and a file system view of its own, started by itself, with the rights it had outside.
    Inside(Rights),
}

impl Arguments {
    /// Reads the arguments behind the program's name.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Attempt<Self> {
        let mut parsed =
            Arguments { keeps: false, fetches: true, only: Vec::new(), stage: Stage::Outside };
        for argument in arguments {
            parsed.take(argument)?;
        }
        Ok(parsed)
    }

    fn take(&mut self, argument: String) -> Attempt {
        match argument.as_str() {
            "--keep" => self.keeps = true,
            "--no-fetch" => self.fetches = false,
            name if RECIPES.iter().any(|recipe| recipe.name == name) => self.only.push(argument),
            other => match other.strip_prefix("--inside=").and_then(Rights::named) {
                Some(rights) => self.stage = Stage::Inside(rights),
                None => return Err(format!("{other} is neither an option nor a server").into()),
            },
        }
        Ok(())
    }

    /// What to call ourselves with inside.
    pub(crate) fn inside(&self, rights: Rights) -> Vec<String> {
        let mut arguments = vec![format!("--inside={}", rights.name())];
        if self.keeps {
            arguments.push("--keep".into());
        }
        arguments.extend(self.only.iter().cloned());
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Attempt<Arguments> {
        Arguments::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn what_it_calls_itself_with_means_the_same_inside() {
        let outside = parse("--keep --no-fetch dovecot").expect("these are arguments");
        let line = outside.inside(Rights::User).join(" ");
        let inside = parse(&line).expect("it understands itself");
        assert!(inside.keeps && inside.only == ["dovecot"]);
        assert!(inside.stage == Stage::Inside(Rights::User));
    }

    #[test]
    fn an_unknown_server_is_refused() {
        assert!(parse("sendmail").is_err());
    }
}
