//! POP3: `+OK` or `-ERR` (RFC 2595, 4).

use super::{Machine, Next, Refusal, first_word};

/// Waits for what it is named for.
#[derive(Default)]
pub(super) enum Pop3 {
    #[default]
    Greeting,
    Answer,
}

impl Machine for Pop3 {
    fn hear(&mut self, line: &[u8]) -> Result<Next, Refusal> {
        match first_word(line).0 {
            b"+OK" => {}
            b"-ERR" => return Err(Refusal::refused(line)),
            _ => return Err(Refusal::unexpected(line)),
        }
        match std::mem::replace(self, Pop3::Answer) {
            Pop3::Greeting => Ok(Next::Say("STLS".to_owned())),
            Pop3::Answer => Ok(Next::Secure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Protocol, play};
    use super::*;

    #[test]
    fn it_goes_ahead_with_ok_and_nothing_else() {
        let pop3 = |lines: &[&str]| play(Protocol::Pop3.machine("me"), lines);
        assert_eq!(pop3(&["+OK <1@a>"]), Ok(Next::Say("STLS".into())));
        assert_eq!(pop3(&["+OK <1@a>", "+OK"]), Ok(Next::Secure));
        assert_eq!(pop3(&["+OK", "-ERR no"]), Err(Refusal::refused(b"-ERR no")));
        assert_eq!(pop3(&["+OKAY"]), Err(Refusal::unexpected(b"+OKAY")));
        assert_eq!(pop3(&["+OK", "+ "]), Err(Refusal::unexpected(b"+ ")));
    }
}
