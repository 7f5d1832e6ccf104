//! SMTP, LMTP, FTP and NNTP: replies that begin with three digits.

use super::{Machine, Next, Refusal, first_word};

/// What a protocol of this family says, in order.
pub(super) struct Script {
    lines: Lines,
    replies: &'static [Reply],
}

/// A reply that is waited for.
struct Reply {
    /// The codes that mean yes.
    codes: &'static [&'static str],
    then: Then,
}

enum Then {
    /// Give our name.
    Introduce(&'static str),
    /// Ask, if the reply said that asking makes sense.
    AskIfOffered(&'static str),
    Ask(&'static str),
    Secure,
}

/// How a reply of several lines looks.
#[derive(PartialEq, Eq)]
enum Lines {
    /// `250-one`, `250 two`: the code stands in each line (RFC 5321, 4.2.1).
    Repeated,
    /// `211-one`, anything, `211 two`: it stands in the first and the last (RFC 959, 4.2).
    Framed,
    /// There are none here (RFC 3977, 3.2).
    Single,
}

pub(super) static SMTP: Script = Script {
    lines: Lines::Repeated,
    replies: &[
        Reply { codes: &["220"], then: Then::Introduce("EHLO") },
        Reply { codes: &["250"], then: Then::AskIfOffered("STARTTLS") },
        Reply { codes: &["220"], then: Then::Secure },
    ],
};

pub(super) static LMTP: Script = Script {
    lines: Lines::Repeated,
    replies: &[
        Reply { codes: &["220"], then: Then::Introduce("LHLO") },
        Reply { codes: &["250"], then: Then::AskIfOffered("STARTTLS") },
        Reply { codes: &["220"], then: Then::Secure },
    ],
};

pub(super) static FTP: Script = Script {
    lines: Lines::Framed,
    replies: &[
        Reply { codes: &["220"], then: Then::Ask("AUTH TLS") },
        Reply { codes: &["234"], then: Then::Secure },
    ],
};

pub(super) static NNTP: Script = Script {
    lines: Lines::Single,
    replies: &[
        Reply { codes: &["200", "201"], then: Then::Ask("STARTTLS") },
        Reply { codes: &["382"], then: Then::Secure },
    ],
};

/// A conversation after a script.
pub(super) struct Codes {
    script: &'static Script,
    our_name: String,
    awaited: std::slice::Iter<'static, Reply>,
    /// The code of a reply whose last line has not come.
    open: Option<[u8; 3]>,
    offer: Offer,
}

/// Whether the reply that is under way names STARTTLS.
enum Offer {
    Missing,
    Made,
}

impl Codes {
    pub(super) fn new(script: &'static Script, our_name: &str) -> Self {
        Codes {
            script,
            our_name: our_name.to_owned(),
            awaited: script.replies.iter(),
            open: None,
            offer: Offer::Missing,
        }
    }

    /// Whether this line is the last of its reply; `None` if it belongs to none.
    fn place(&self, line: &[u8]) -> Option<Place> {
        let code = line.first_chunk::<3>().copied().filter(|code| code.iter().all(is_digit));
        let mark = line.get(3).copied();
        match (self.open, code, mark) {
            (None, Some(_), Some(b' ') | None) => Some(Place::Last),
            (Some(open), Some(code), Some(b' ') | None) if open == code => Some(Place::Last),
            (None, Some(code), Some(b'-')) if self.script.lines != Lines::Single => {
                Some(Place::Before(code))
            }
            (Some(open), Some(code), Some(b'-')) if open == code => Some(Place::Before(open)),
            (Some(open), _, _) if self.script.lines == Lines::Framed => Some(Place::Before(open)),
            _ => None,
        }
    }

    fn complete(&mut self, line: &[u8]) -> Result<Next, Refusal> {
        let (code, _) = line.split_at(3);
        // RFC 959, 4.2: 120 announces that the greeting will take a while.
        if code == b"120" && self.awaited.len() == self.script.replies.len() {
            return Ok(Next::Listen);
        }
        let offer = std::mem::replace(&mut self.offer, Offer::Missing);
        let Some(reply) = self.awaited.next() else { return Err(Refusal::unexpected(line)) };
        if !reply.codes.iter().any(|wanted| wanted.as_bytes() == code) {
            return Err(no(line));
        }
        match (&reply.then, offer) {
            (Then::Introduce(verb), _) => Ok(Next::Say(format!("{verb} {}", self.our_name))),
            (Then::AskIfOffered(_), Offer::Missing) => Err(Refusal::NotOffered),
            (Then::Ask(command), _) | (Then::AskIfOffered(command), Offer::Made) => {
                Ok(Next::Say((*command).to_owned()))
            }
            (Then::Secure, _) => Ok(Next::Secure),
        }
    }
}

/// Where a line stands in its reply.
enum Place {
    Before([u8; 3]),
    Last,
}

impl Machine for Codes {
    fn hear(&mut self, line: &[u8]) -> Result<Next, Refusal> {
        if first_word(line.get(4..).unwrap_or_default()).0.eq_ignore_ascii_case(b"STARTTLS") {
            self.offer = Offer::Made;
        }
        match self.place(line) {
            Some(Place::Before(code)) => {
                self.open = Some(code);
                Ok(Next::Listen)
            }
            Some(Place::Last) => {
                self.open = None;
                self.complete(line)
            }
            None => Err(Refusal::unexpected(line)),
        }
    }
}

fn is_digit(byte: &u8) -> bool {
    byte.is_ascii_digit()
}

/// 4xx and 5xx are refusals; any other code that is not awaited makes no sense.
fn no(line: &[u8]) -> Refusal {
    match line.first() {
        Some(b'4' | b'5') => Refusal::refused(line),
        _ => Refusal::unexpected(line),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Protocol, play};
    use super::*;

    fn smtp(lines: &[&str]) -> Result<Next, Refusal> {
        play(Protocol::Smtp.machine("[192.0.2.1]"), lines)
    }

    #[test]
    fn smtp_introduces_us_looks_for_the_offer_and_asks() {
        assert_eq!(smtp(&["220-a", "220 b"]), Ok(Next::Say("EHLO [192.0.2.1]".into())));
        assert_eq!(smtp(&["220 a", "250-a", "250-SIZE 1"]), Ok(Next::Listen));
        let offered = ["220 a", "250-a", "250-starttls", "250 SIZE 1"];
        assert_eq!(smtp(&offered), Ok(Next::Say("STARTTLS".into())));
        assert_eq!(smtp(&["220 a", "250-a", "250 STARTTLS", "220"]), Ok(Next::Secure));
    }

    #[test]
    fn smtp_without_the_offer_is_refused_wherever_the_word_stood_before() {
        assert_eq!(smtp(&["220 STARTTLS", "250-a", "250 SIZE 1"]), Err(Refusal::NotOffered));
        assert_eq!(smtp(&["220 a", "250-a", "250 STARTTLSX"]), Err(Refusal::NotOffered));
    }

    #[test]
    fn smtp_stops_at_refusals_and_at_what_makes_no_sense() {
        assert_eq!(smtp(&["554 no"]), Err(Refusal::refused(b"554 no")));
        let asked = ["220 a", "250-a", "250 STARTTLS"];
        for (line, refusal) in [
            ("454 not now", Refusal::refused(b"454 not now")),
            ("421 closing", Refusal::refused(b"421 closing")),
            ("250 ok", Refusal::unexpected(b"250 ok")),
            ("2200 ok", Refusal::unexpected(b"2200 ok")),
            ("ok", Refusal::unexpected(b"ok")),
            ("", Refusal::unexpected(b"")),
        ] {
            assert_eq!(smtp(&[&asked[..], &[line]].concat()), Err(refusal));
        }
    }

    #[test]
    fn the_lines_of_one_smtp_reply_have_one_code() {
        assert_eq!(smtp(&["220 a", "250-a", "220 b"]), Err(Refusal::unexpected(b"220 b")));
    }

    #[test]
    fn lmtp_says_lhlo() {
        let next = play(Protocol::Lmtp.machine("me"), &["220 a"]);
        assert_eq!(next, Ok(Next::Say("LHLO me".into())));
    }

    #[test]
    fn ftp_takes_replies_with_free_lines_and_a_greeting_that_takes_a_while() {
        let ftp = |lines: &[&str]| play(Protocol::Ftp.machine("me"), lines);
        let greeting = ["120 wait", "220-hello", "234 not the end", "220 go on"];
        assert_eq!(ftp(&greeting), Ok(Next::Say("AUTH TLS".into())));
        assert_eq!(ftp(&["220 a", "234-x", " y", "234 z"]), Ok(Next::Secure));
        assert_eq!(ftp(&["220 a", "120 wait"]), Err(Refusal::unexpected(b"120 wait")));
        assert_eq!(ftp(&["220 a", "334 go"]), Err(Refusal::unexpected(b"334 go")));
        assert_eq!(ftp(&["220 a", "502 no"]), Err(Refusal::refused(b"502 no")));
    }

    #[test]
    fn nntp_has_single_lines() {
        let nntp = |lines: &[&str]| play(Protocol::Nntp.machine("me"), lines);
        assert_eq!(nntp(&["201 a", "382 go"]), Ok(Next::Secure));
        assert_eq!(nntp(&["200-a"]), Err(Refusal::unexpected(b"200-a")));
        assert_eq!(nntp(&["200 a", "580 no"]), Err(Refusal::refused(b"580 no")));
    }
}
