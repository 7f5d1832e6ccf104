//! PostgreSQL: a question of eight bytes, an answer of one (its manual, "SSL Session Encryption").

use super::{Machine, Next, Refusal, Unit};

/// Waits for the answer; there is no greeting.
pub(super) struct Postgres;

/// SSLRequest: its length, and the number 80877103 where a version would stand.
const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 4, 210, 22, 47];

impl Machine for Postgres {
    fn unit(&self) -> Unit {
        Unit::Byte
    }

    fn begin(&self) -> Next {
        Next::Send(SSL_REQUEST)
    }

    fn hear(&mut self, answer: &[u8]) -> Result<Next, Refusal> {
        match answer {
            b"S" => Ok(Next::Secure),
            b"N" => Err(Refusal::refused(answer)),
            // The message behind an E is not shown: anybody could have sent it (CVE-2024-10977).
            _ => Err(Refusal::unexpected(answer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Protocol, play};
    use super::*;

    #[test]
    fn it_goes_ahead_with_s_and_nothing_else() {
        let postgres = |lines: &[&str]| play(Protocol::Postgres.machine("me"), lines);
        assert_eq!(postgres(&[]), Ok(Next::Send(SSL_REQUEST)));
        assert_eq!(postgres(&["S"]), Ok(Next::Secure));
        assert_eq!(postgres(&["N"]), Err(Refusal::refused(b"N")));
        assert_eq!(postgres(&["E"]), Err(Refusal::unexpected(b"E")));
    }
}
