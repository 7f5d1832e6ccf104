//! IMAP: tagged answers among untagged ones (RFC 9051, 6.2.1).

use super::{Machine, Next, Refusal, first_word};

/// Waits for what it is named for.
#[derive(Default)]
pub(super) enum Imap {
    #[default]
    Greeting,
    Answer,
}

/// Our command's tag: only an answer that carries it is the answer.
const TAG: &[u8] = b"st1";

impl Machine for Imap {
    fn hear(&mut self, line: &[u8]) -> Result<Next, Refusal> {
        if announces_literal(line) {
            return Err(Refusal::unexpected(line));
        }
        match self {
            Imap::Greeting => {
                greeting(line)?;
                *self = Imap::Answer;
                Ok(Next::Say(format!("{} STARTTLS", TAG.escape_ascii())))
            }
            Imap::Answer => answer(line),
        }
    }

    /// Untagged data may come at any time (RFC 9051, 7); an answer may not.
    fn hear_early(&self, line: &[u8]) -> Result<(), Refusal> {
        match untagged(line) {
            Some(b"BYE") => Err(Refusal::refused(line)),
            Some(_) if !announces_literal(line) => Ok(()),
            Some(_) | None => Err(Refusal::Early(line.to_vec())),
        }
    }
}

fn greeting(line: &[u8]) -> Result<(), Refusal> {
    match untagged(line) {
        Some(b"OK") => Ok(()),
        Some(b"PREAUTH") => Err(Refusal::SignedIn(line.to_vec())),
        Some(b"BYE") => Err(Refusal::refused(line)),
        Some(_) | None => Err(Refusal::unexpected(line)),
    }
}

fn answer(line: &[u8]) -> Result<Next, Refusal> {
    match untagged(line) {
        Some(b"BYE") => return Err(Refusal::refused(line)),
        Some(_) => return Ok(Next::Listen),
        None => {}
    }
    let (tag, rest) = first_word(line);
    match first_word(rest).0.to_ascii_uppercase().as_slice() {
        b"OK" if tag == TAG => Ok(Next::Secure),
        b"NO" | b"BAD" if tag == TAG => Err(Refusal::refused(line)),
        _ => Err(Refusal::unexpected(line)),
    }
}

/// The first word behind `*`, one of ours or some other.
fn untagged(line: &[u8]) -> Option<&'static [u8]> {
    const KNOWN: [&[u8]; 3] = [b"OK", b"PREAUTH", b"BYE"];
    let word = first_word(line.strip_prefix(b"* ")?).0;
    Some(KNOWN.into_iter().find(|known| word.eq_ignore_ascii_case(known)).unwrap_or_default())
}

/// `{12}` at the end: the next 12 bytes are data, whatever lines they look like. None of them may be
/// taken for an answer, and there is no reason for data here.
fn announces_literal(line: &[u8]) -> bool {
    line.ends_with(b"}")
}

#[cfg(test)]
mod tests {
    use super::super::{Protocol, play};
    use super::*;

    fn imap(lines: &[&str]) -> Result<Next, Refusal> {
        play(Protocol::Imap.machine("me"), lines)
    }

    #[test]
    fn only_the_answer_to_our_own_command_counts() {
        assert_eq!(imap(&["* OK hi"]), Ok(Next::Say("st1 STARTTLS".into())));
        assert_eq!(imap(&["* ok hi", "* CAPABILITY X", "st1 OK go"]), Ok(Next::Secure));
        for odd in ["a1 OK go", "+ go", "OK go", "st1", "ST1 OK go", "st1 OKAY"] {
            assert_eq!(imap(&["* OK hi", odd]), Err(Refusal::unexpected(odd.as_bytes())));
        }
    }

    #[test]
    fn who_is_signed_in_already_is_not_taken_along() {
        let line = "* PREAUTH welcome";
        assert_eq!(imap(&[line]), Err(Refusal::SignedIn(line.into())));
    }

    #[test]
    fn no_bad_and_bye_are_refusals() {
        for line in ["st1 NO later", "st1 BAD what", "* BYE over"] {
            assert_eq!(imap(&["* OK hi", line]), Err(Refusal::refused(line.as_bytes())));
        }
        assert_eq!(imap(&["* BYE busy"]), Err(Refusal::refused(b"* BYE busy")));
    }

    #[test]
    fn a_literal_cannot_carry_an_answer() {
        let line = "* OK {11}";
        assert_eq!(imap(&["* OK hi", line]), Err(Refusal::unexpected(line.as_bytes())));
    }

    #[test]
    fn before_the_command_untagged_data_may_come_and_answers_may_not() {
        let machine = Imap::Answer;
        assert_eq!(machine.hear_early(b"* CAPABILITY X"), Ok(()));
        assert_eq!(machine.hear_early(b"st1 OK"), Err(Refusal::Early(b"st1 OK".to_vec())));
        assert_eq!(machine.hear_early(b"* BYE"), Err(Refusal::refused(b"* BYE")));
    }
}
