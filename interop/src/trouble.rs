//! What goes wrong here: told to a person, never matched on.

use std::error::Error;

/// Anything that went wrong.
pub(crate) type Trouble = Box<dyn Error + Send + Sync>;

/// What may go wrong.
pub(crate) type Attempt<T = ()> = Result<T, Trouble>;

/// Adds what was being done to what went wrong.
pub(crate) trait Context<T> {
    /// `doing` stands in front of the reason.
    fn doing(self, doing: impl FnOnce() -> String) -> Attempt<T>;
}

impl<T, E: Into<Trouble>> Context<T> for Result<T, E> {
    fn doing(self, doing: impl FnOnce() -> String) -> Attempt<T> {
        self.map_err(|error| format!("{}: {}", doing(), explain(&*error.into())).into())
    }
}

/// The error and what caused it, in one line.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        // Many errors end with the text of their cause already.
        if !line.contains(&more) {
            line.push_str(": ");
            line.push_str(&more);
        }
        source = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_stands_in_front_of_the_reason() {
        let attempt: Result<(), &str> = Err("no such file");
        let trouble = attempt.doing(|| "opening it".into()).expect_err("it stays a failure");
        assert_eq!(explain(&*trouble), "opening it: no such file");
    }
}
