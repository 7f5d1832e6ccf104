//! ManageSieve: capabilities in quotes, then `OK`, `NO` or `BYE` (RFC 5804, 1.7 and 2.2).

use super::{Machine, Next, Refusal, first_word};

/// Waits for what it is named for.
#[derive(Default)]
pub(super) enum Sieve {
    #[default]
    Capabilities,
    /// The end of the capabilities, which included STARTTLS.
    Greeting,
    Answer,
}

impl Machine for Sieve {
    fn hear(&mut self, line: &[u8]) -> Result<Next, Refusal> {
        let word = first_word(line).0.to_ascii_uppercase();
        match (&self, word.as_slice()) {
            // A literal could carry lines that look like answers; there is no reason for one here.
            (_, _) if line.ends_with(b"}") => Err(Refusal::unexpected(line)),
            (_, b"NO" | b"BYE") => Err(Refusal::refused(line)),
            (Sieve::Capabilities, b"OK") => Err(Refusal::NotOffered),
            (Sieve::Greeting, b"OK") => {
                *self = Sieve::Answer;
                Ok(Next::Say("STARTTLS".to_owned()))
            }
            (Sieve::Answer, b"OK") => Ok(Next::Secure),
            (Sieve::Capabilities | Sieve::Greeting, [b'"', ..]) => {
                if word == b"\"STARTTLS\"" {
                    *self = Sieve::Greeting;
                }
                Ok(Next::Listen)
            }
            (_, _) => Err(Refusal::unexpected(line)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Protocol, play};
    use super::*;

    fn sieve(lines: &[&str]) -> Result<Next, Refusal> {
        play(Protocol::Sieve.machine("me"), lines)
    }

    #[test]
    fn it_asks_behind_the_capabilities_and_goes_ahead_with_ok() {
        let greeting = ["\"IMPLEMENTATION\" \"x\"", "\"StartTLS\"", "\"SIEVE\" \"a b\"", "OK"];
        assert_eq!(sieve(&greeting[..3]), Ok(Next::Listen));
        assert_eq!(sieve(&greeting), Ok(Next::Say("STARTTLS".into())));
        assert_eq!(sieve(&[&greeting[..], &["ok \"go\""]].concat()), Ok(Next::Secure));
    }

    #[test]
    fn it_stops_at_everything_else() {
        assert_eq!(sieve(&["\"SIEVE\" \"a\"", "OK"]), Err(Refusal::NotOffered));
        assert_eq!(sieve(&["BYE"]), Err(Refusal::refused(b"BYE")));
        assert_eq!(sieve(&["\"STARTTLS\"", "OK", "NO"]), Err(Refusal::refused(b"NO")));
        for odd in ["\"X\"", "* OK", "OK {3}"] {
            let lines = ["\"STARTTLS\"", "OK", odd];
            assert_eq!(sieve(&lines), Err(Refusal::unexpected(odd.as_bytes())));
        }
    }
}
