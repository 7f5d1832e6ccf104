//! The received bytes: those still as they came, and those TLS has opened.
//!
//! Its place: under [`reading`](super::reading). The wire's bytes stay here until they are asked
//! for, one TLS record at a time, so that clear text behind a close_notify is never swallowed.

/// The length of a TLS record's header (RFC 8446, section 5.1).
const HEADER: usize = 5;
/// The longest record: 2^14 bytes and what TLS 1.2 allows on top (RFC 5246, section 6.2.3).
const LONGEST: usize = 16_384 + 2_048;
/// How much room a read from the socket gets.
pub(super) const ROOM: usize = 16_384;

#[derive(Default)]
pub(super) struct Inbox {
    /// As they came; clear text, or records not yet opened.
    pub(super) wire: Vec<u8>,
    /// What TLS gave; always older than `wire`.
    pub(super) opened: Vec<u8>,
    received: u64,
}

/// Which bytes a script may read now.
#[derive(Clone, Copy)]
pub(super) enum Readable {
    /// In clear text: what TLS left over, and then the wire.
    All,
    /// In TLS: the wire holds records.
    Opened,
}

impl Inbox {
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    pub(super) fn count(&mut self, bytes: usize) {
        self.received += bytes as u64;
    }

    pub(super) fn len(&self, readable: Readable) -> usize {
        self.bytes(readable).count()
    }

    /// Where the first line ends: the index behind its LF.
    pub(super) fn line_end(&self, readable: Readable) -> Option<usize> {
        self.bytes(readable).position(|byte| *byte == b'\n').map(|index| index + 1)
    }

    /// Takes the first `count` readable bytes, which are there.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let opened = count.min(self.opened.len());
        let mut taken: Vec<u8> = self.opened.drain(..opened).collect();
        taken.extend(self.wire.drain(..count - opened));
        taken
    }

    /// Takes the next complete record; `None` when more bytes are needed.
    pub(super) fn record(&mut self) -> Option<Vec<u8>> {
        let header = self.wire.get(..HEADER)?;
        let length = HEADER + usize::from(u16::from_be_bytes([header[3], header[4]]));
        // Content types 20 to 24 and major version 3; rustls finds the words for anything else.
        let is_record = (20..=24).contains(&header[0]) && header[1] == 3;
        if !is_record || length > HEADER + LONGEST {
            return Some(std::mem::take(&mut self.wire));
        }
        (self.wire.len() >= length).then(|| self.wire.drain(..length).collect())
    }

    fn bytes(&self, readable: Readable) -> impl Iterator<Item = &u8> {
        let wire: &[u8] = match readable {
            Readable::All => &self.wire,
            Readable::Opened => &[],
        };
        self.opened.iter().chain(wire)
    }
}

#[cfg(test)]
mod tests {
    use super::Inbox;

    fn inbox(wire: &[u8]) -> Inbox {
        Inbox { wire: wire.to_vec(), ..Inbox::default() }
    }

    #[test]
    fn a_record_leaves_what_is_behind_it() {
        let mut inbox = inbox(b"\x15\x03\x03\x00\x02\x01\x00clear");
        assert_eq!(inbox.record().as_deref(), Some(&b"\x15\x03\x03\x00\x02\x01\x00"[..]));
        assert_eq!(inbox.wire, b"clear");
    }

    #[test]
    fn half_a_record_is_left_alone() {
        let mut inbox = inbox(b"\x15\x03\x03\x00\x02\x01");
        assert_eq!(inbox.record(), None);
        assert_eq!(inbox.wire.len(), 6);
    }

    #[test]
    fn what_is_no_record_comes_whole() {
        assert_eq!(inbox(b"EHLO you\r\n").record().as_deref(), Some(&b"EHLO you\r\n"[..]));
    }
}
