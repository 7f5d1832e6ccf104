//! Every answer of a proxy, cut everywhere; and answers that are too long, never end, or lie.

mod connect;
mod socks4;
mod socks5;
mod written;

use super::*;

/// What a server says that does not wait to be asked, glued to its proxy's answer.
const GREETING: &[u8] = b"220 hello\r\n";

/// What came of a whole conversation.
#[derive(Debug, PartialEq, Eq)]
struct Talk {
    said: Vec<u8>,
    end: End,
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The rest is the destination's.
    Through(Vec<u8>),
    Again(Challenge),
    Failed(ErrorKind, String),
    /// It waits for more.
    Waiting,
}

fn asked(challenge: Challenge, times: usize) -> Asked {
    Asked { challenge, uses: 1, times }
}

fn talk(proxy: &Proxy, to: &Destination, is_asked: bool, heard: &[u8], piece: usize) -> Talk {
    let (mut handshake, mut said) =
        match Handshake::new(proxy, to, is_asked.then(|| asked(Challenge::Basic, 1))) {
            Ok(begun) => begun,
            Err(error) => return Talk { said: vec![], end: failed(&error) },
        };
    let mut unread = Vec::new();
    for chunk in heard.chunks(piece) {
        unread.extend(chunk);
        loop {
            let end = match handshake.read(&unread) {
                Ok(Reply::NotYet) => break,
                Ok(Reply::Next { taken, say }) => {
                    unread.drain(..taken);
                    said.extend(say);
                    continue;
                }
                Ok(Reply::Through { taken }) => {
                    let behind = heard.len() - heard_so_far(heard, chunk);
                    unread.drain(..taken);
                    unread.extend(&heard[heard.len() - behind..]);
                    End::Through(unread)
                }
                Ok(Reply::Again(challenge)) => End::Again(challenge),
                Err(error) => failed(&error),
            };
            return Talk { said, end };
        }
    }
    Talk { said, end: End::Waiting }
}

/// How much of `heard` has come with `chunk`, a part of it.
fn heard_so_far(heard: &[u8], chunk: &[u8]) -> usize {
    chunk.as_ptr() as usize - heard.as_ptr() as usize + chunk.len()
}

fn failed(error: &Error) -> End {
    End::Failed(error.kind(), error.detail().unwrap_or_default().to_owned())
}

/// The same, however it was cut.
fn talks(proxy: &str, to: &Destination, is_asked: bool, heard: &[u8]) -> Talk {
    let proxy: Proxy = proxy.parse().expect("a proxy");
    let whole = talk(&proxy, to, is_asked, heard, heard.len().max(1));
    for piece in 1..heard.len().min(80) {
        assert_eq!(talk(&proxy, to, is_asked, heard, piece), whole, "in pieces of {piece}");
    }
    whole
}

/// Behind the answer comes the greeting, and all of it is left.
fn gets_through(proxy: &str, to: &Destination, is_asked: bool, answer: &[u8], said: &[u8]) {
    let talk = talks(proxy, to, is_asked, &[answer, GREETING].concat());
    assert_eq!(talk.end, End::Through(GREETING.to_vec()));
    assert_eq!(talk.said, said, "{:?}", String::from_utf8_lossy(&talk.said));
    for shorter in 1..answer.len() {
        let talk = talks(proxy, to, is_asked, &answer[..shorter]);
        assert_eq!(talk.end, End::Waiting, "{shorter} bytes are no answer");
    }
}

fn fails(proxy: &str, to: &Destination, answer: &[u8]) -> (ErrorKind, String) {
    match talks(proxy, to, false, &[answer, GREETING].concat()).end {
        End::Failed(kind, why) => (kind, why),
        other => panic!("{other:?}"),
    }
}

fn named() -> Destination {
    Destination::Name("mail.test".into(), 25)
}

fn four() -> Destination {
    Destination::Address(([192, 0, 2, 1], 25).into())
}

fn six() -> Destination {
    Destination::Address("[2001:db8::1]:25".parse().expect("an address"))
}
