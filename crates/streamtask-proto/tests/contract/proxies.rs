//! Through a proxy, over every cut of what it and the server behind it say: nothing of either is taken for the
//! other's, and nothing of the application's leaves before the proxy has answered.

use std::time::Instant;

use bytes::BufMut;
use streamtask_proto::{
    Call, ErrorKind, EventKind, Input, OpId, Options, Output, Proxy, ProxyOptions, ReadKind,
    Stream, Target, Timeout, Transmit, Wait,
};

/// What is queued before anything happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queued {
    Nothing,
    Read,
    /// Both sides are closed behind the write, as `close()` does.
    Close,
}

/// A task on its way through one proxy, and what came out of it so far.
struct Through {
    stream: Stream,
    now: Instant,
    queued: Queued,
    sent: Vec<u8>,
    is_connected: bool,
    read: Vec<u8>,
    /// What had been sent when the connection stood.
    said_to_the_proxy: Vec<u8>,
}

const READ: OpId = OpId(1);
const WRITE: OpId = OpId(2);
const WORDS: &[u8] = b"words";
const GREETING: &[u8] = b"220 hello\r\n";

impl Through {
    fn begin(proxy: &str, queued: Queued) -> Self {
        #[allow(clippy::disallowed_methods)] // any starting point will do
        let now = Instant::now();
        let proxy: Proxy = proxy.parse().expect("a proxy");
        let proxies = ProxyOptions { chains: vec![[proxy].into()], ..ProxyOptions::default() };
        let options = Options { proxies, ..Options::default() };
        let target = Target::new("mail.test", 25).expect("a target");
        let mut through = Through {
            stream: Stream::new(now, target, options, None),
            now,
            queued,
            sent: Vec::new(),
            is_connected: false,
            read: Vec::new(),
            said_to_the_proxy: Vec::new(),
        };
        through.input(Input::Enqueue(WRITE, Call::Write(WORDS.into(), Timeout::NEVER)));
        match queued {
            Queued::Nothing => {}
            Queued::Read => {
                let kind = ReadKind::Exact { length: GREETING.len() };
                through.input(Input::Enqueue(READ, Call::Read(kind, Timeout::NEVER)));
            }
            Queued::Close => {
                through.input(Input::Enqueue(OpId(3), Call::CloseRead));
                through.input(Input::Enqueue(OpId(4), Call::CloseWrite));
            }
        }
        through.input(Input::Resume);
        through
    }

    fn input(&mut self, input: Input) {
        self.stream.handle(self.now, input);
        while self.poll().send {
            let bytes: Vec<u8> = match self.stream.transmit() {
                Transmit::One(bytes) => bytes.to_vec(),
                Transmit::Many(pieces) => pieces.iter().flat_map(|piece| piece.to_vec()).collect(),
            };
            self.sent.extend(&bytes);
            self.stream.handle(self.now, Input::Sent(bytes.len()));
        }
    }

    fn poll(&mut self) -> Wait {
        loop {
            match self.stream.poll() {
                Output::Attempt { number, .. } => {
                    self.stream.handle(self.now, Input::Attempted(number, Ok(())));
                }
                Output::Event(event) => {
                    if let EventKind::Connected = event.kind {
                        self.is_connected = true;
                        self.said_to_the_proxy = self.sent.clone();
                    }
                }
                Output::Complete(READ, Ok(streamtask_proto::Outcome::Read(read))) => {
                    self.read.extend(&read.data);
                }
                Output::Complete(_, result) => drop(result.expect("it goes well")),
                Output::Wait(wait) => return wait,
                Output::Adopt(_) | Output::ShutdownWrite | Output::Close(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Bytes come, if they are wanted.
    fn hear(&mut self, bytes: &[u8]) {
        if !self.is_connected {
            assert!(self.poll().receive, "{:?}: nobody listens to the proxy", self.queued);
        }
        self.stream.receive_buffer().put_slice(bytes);
        self.input(Input::Received(bytes.len()));
    }
}

/// Each proxy with its whole answer, and what it is asked.
fn talks() -> [(&'static str, &'static [u8], &'static [u8]); 3] {
    [
        (
            "http://10.0.0.1:1",
            b"HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 200 OK\r\nVia: x\r\n\r\n",
            b"CONNECT mail.test:25 HTTP/1.1\r\nHost: mail.test:25\r\n\r\n",
        ),
        (
            "socks5h://10.0.0.1:1",
            b"\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00",
            b"\x05\x01\x00\x05\x01\x00\x03\x09mail.test\x00\x19",
        ),
        (
            "socks4a://10.0.0.1:1",
            b"\x00\x5a\x00\x00\x00\x00\x00\x00",
            b"\x04\x01\x00\x19\x00\x00\x00\x01\x00mail.test\x00",
        ),
    ]
}

#[test]
fn no_cut_confuses_a_proxys_answer_with_what_stands_behind_it_whatever_is_queued() {
    for (proxy, answer, asked) in talks() {
        let heard = [answer, GREETING].concat();
        for queued in [Queued::Nothing, Queued::Read, Queued::Close] {
            for first in 0..=heard.len() {
                for second in first..=heard.len() {
                    let mut through = Through::begin(proxy, queued);
                    for piece in [&heard[..first], &heard[first..second], &heard[second..]] {
                        if !piece.is_empty() {
                            through.hear(piece);
                        }
                    }
                    let what = format!("{proxy}, {queued:?}, cut at {first} and {second}");
                    assert!(through.is_connected, "{what}");
                    assert!(asked.starts_with(&through.said_to_the_proxy), "{what}");
                    assert_eq!(through.sent, [asked, WORDS].concat(), "{what}");
                    let expected = if queued == Queued::Read { GREETING } else { &[] };
                    assert_eq!(through.read, expected, "{what}");
                }
            }
        }
    }
}

#[test]
fn what_a_proxy_says_in_vain_is_nobodys() {
    for (proxy, answer, _) in talks() {
        for end in 1..answer.len() {
            let mut through = Through::begin(proxy, Queued::Nothing);
            through.hear(&answer[..end]);
            // Not cancelled: then nothing is delivered anyway.
            let lost = Input::Failed(ErrorKind::Unknown.into());
            through.stream.handle(through.now, lost);
            while !matches!(through.stream.poll(), Output::Wait(_)) {}
            let kind = ReadKind::Data { min: 1, max: 64 };
            let late = Call::Read(kind, Timeout::NEVER);
            through.stream.handle(through.now, Input::Enqueue(READ, late));
            let answered = through.stream.poll();
            assert!(matches!(answered, Output::Complete(READ, Err(_))), "{answered:?}");
            assert_eq!(through.stream.byte_counts(), (0, 0));
        }
    }
}
