//! The ServerHello, read along in the clear: what exporters of TLS 1.2 need and rustls does not say.
//!
//! It is the first handshake message of a server, may be cut into several records and share one with the
//! next message (RFC 5246, 6.2.1). What looks otherwise is unknown, and then nothing is exported: wrong
//! keying material would be worse than none.

/// What has come of the server's first handshake message.
pub(crate) enum ServerHello {
    /// Its beginning.
    Coming(Vec<u8>),
    /// It is whole.
    Read(Facts),
    /// It was something else.
    Unknown,
}

/// What a ServerHello says that matters here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) random: [u8; 32],
    /// Whether the master secret is bound to the handshake (RFC 7627).
    pub(crate) extended_master_secret: bool,
}

impl Default for ServerHello {
    fn default() -> Self {
        ServerHello::Coming(Vec::new())
    }
}

impl ServerHello {
    /// Takes the next record of the server.
    pub(crate) fn take(&mut self, record: &[u8]) {
        let ServerHello::Coming(message) = self else { return };
        let [HANDSHAKE, _, _, _, _, fragment @ ..] = record else { return };
        message.extend_from_slice(fragment);
        if let Some(read) = read(message) {
            *self = read;
        }
    }

    /// What it says, once it is known.
    pub(crate) fn facts(&self) -> Option<&Facts> {
        match self {
            ServerHello::Read(facts) => Some(facts),
            ServerHello::Coming(_) | ServerHello::Unknown => None,
        }
    }
}

/// What `message` is; `None` while there is more to come.
fn read(message: &[u8]) -> Option<ServerHello> {
    let (&[kind, high, middle, low], rest) = message.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes([0, high, middle, low]) as usize;
    if kind != SERVER_HELLO || length > MOST {
        return Some(ServerHello::Unknown);
    }
    let body = rest.get(..length)?;
    Some(facts(body).map_or(ServerHello::Unknown, ServerHello::Read))
}

/// Version, random, session id, cipher suite, compression, and perhaps extensions (RFC 5246, 7.4.1.3).
fn facts(body: &[u8]) -> Option<Facts> {
    let (_version, rest) = body.split_at_checked(2)?;
    let (random, rest) = rest.split_first_chunk::<32>()?;
    let (&session, rest) = rest.split_first()?;
    let (_session, rest) = rest.split_at_checked(session.into())?;
    let (_suite_and_compression, rest) = rest.split_at_checked(3)?;
    let extensions = match rest {
        [] => rest,
        _ => vector(rest).filter(|(_, behind)| behind.is_empty())?.0,
    };
    let extended_master_secret = has_extension(extensions, EXTENDED_MASTER_SECRET)?;
    Some(Facts { random: *random, extended_master_secret })
}

fn has_extension(mut extensions: &[u8], wanted: u16) -> Option<bool> {
    let mut has = false;
    while !extensions.is_empty() {
        let (number, rest) = extensions.split_first_chunk::<2>()?;
        has |= u16::from_be_bytes(*number) == wanted;
        extensions = vector(rest)?.1;
    }
    Some(has)
}

/// Splits off what two bytes give the length of.
fn vector(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = input.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}

/// RFC 8446, 5.1 and 4; the numbers of TLS 1.2 are the same.
const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
/// RFC 7627, 5.1.
const EXTENDED_MASTER_SECRET: u16 = 23;
/// As long as rustls lets a handshake message be; a ServerHello has some hundred bytes.
const MOST: usize = 0xffff;

#[cfg(test)]
mod tests {
    use super::*;

    /// A ServerHello with these extensions; `None` leaves the whole block out.
    fn message(extensions: Option<&[u8]>) -> Vec<u8> {
        let mut body = [&[3, 3][..], &[7; 32], &[4, 1, 1, 1, 1], &[0xc0, 0x2f, 0]].concat();
        if let Some(extensions) = extensions {
            body.extend_from_slice(&[0, extensions.len() as u8]);
            body.extend_from_slice(extensions);
        }
        [&[2, 0, 0, body.len() as u8][..], &body].concat()
    }

    fn record(fragment: &[u8]) -> Vec<u8> {
        [&[22, 3, 3, 0, fragment.len() as u8][..], fragment].concat()
    }

    fn taken(fragments: &[&[u8]]) -> ServerHello {
        let mut hello = ServerHello::default();
        for fragment in fragments {
            hello.take(&record(fragment));
        }
        hello
    }

    const EMS: &[u8] = &[0xff, 1, 0, 1, 0, 0, 23, 0, 0];
    const NO_EMS: &[u8] = &[0xff, 1, 0, 1, 0, 0, 11, 0, 2, 1, 0];

    #[test]
    fn extended_master_secret_is_found_where_it_is_wherever_the_message_is_cut() {
        for (extensions, expected) in [(Some(EMS), true), (Some(NO_EMS), false), (None, false)] {
            let message = message(extensions);
            let wanted = Facts { random: [7; 32], extended_master_secret: expected };
            for cut in 0..message.len() {
                let hello = taken(&[&message[..cut], &message[cut..]]);
                assert_eq!(hello.facts(), Some(&wanted), "cut at {cut}");
            }
            let bytes: Vec<&[u8]> = message.chunks(1).collect();
            assert_eq!(taken(&bytes).facts(), Some(&wanted));
            let with_next = [&message[..], &[11, 0, 0, 0]].concat();
            assert_eq!(taken(&[&with_next]).facts(), Some(&wanted));
        }
    }

    #[test]
    fn what_is_no_whole_server_hello_says_nothing() {
        let whole = message(Some(EMS));
        for length in 0..whole.len() {
            assert_eq!(taken(&[&whole[..length]]).facts(), None, "{length} bytes of it");
        }
        for broken in [
            &[0, 0, 0, 0][..],              // a HelloRequest
            &[2, 0xff, 0xff, 0xff],         // longer than any
            &[2, 0, 0, 3, 3, 3, 7],         // without a random
            &message(Some(&[0, 23, 0, 9])), // an extension that goes on behind the end
            &message(Some(&[0, 23, 0])),
        ] {
            assert_eq!(taken(&[broken, &whole]).facts(), None, "{broken:?}");
        }
    }

    #[test]
    fn records_of_other_kinds_are_no_part_of_it() {
        let (mut hello, message) = (ServerHello::default(), message(Some(EMS)));
        hello.take(&record(&message[..9]));
        hello.take(&[21, 3, 3, 0, 2, 1, 112]);
        hello.take(&record(&message[9..]));
        assert!(hello.facts().is_some_and(|facts| facts.extended_master_secret));
    }
}
