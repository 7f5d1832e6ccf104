//! Every answer of a proxy, cut everywhere; and answers that are too long, never end, or lie.

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

mod socks5 {
    use super::*;

    const ANONYMOUS: &str = "socks5h://proxy.test";
    const KNOWN: &str = "socks5h://me:secret@proxy.test";
    const ASKED: &[u8] = b"\x05\x01\x00\x03\x09mail.test\x00\x19";

    #[test]
    fn a_name_is_asked_for_as_a_name_and_a_literal_as_an_address() {
        let answer = b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x1f\x90";
        gets_through(ANONYMOUS, &named(), false, answer, &[b"\x05\x01\x00", ASKED].concat());
        let said = b"\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x19";
        gets_through(ANONYMOUS, &four(), false, answer, said);
        let said = b"\x05\x01\x00\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x19";
        gets_through(ANONYMOUS, &six(), false, answer, said);
    }

    #[test]
    fn the_address_in_the_answer_may_have_any_form_even_a_name_of_no_length() {
        let six: &[u8] =
            &[5, 0, 5, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0, 1];
        let name: &[u8] = b"\x05\x00\x05\x00\x00\x03\x03abc\x00\x01";
        let nothing: &[u8] = b"\x05\x00\x05\x00\x00\x03\x00\x00\x00";
        for answer in [six, name, nothing] {
            gets_through(ANONYMOUS, &named(), false, answer, &[b"\x05\x01\x00", ASKED].concat());
        }
    }

    #[test]
    fn a_login_is_said_only_to_a_proxy_that_wants_it_and_its_version_is_nobodys_business() {
        let greeting = b"\x05\x02\x00\x02";
        let login = b"\x01\x02me\x06secret";
        for version in [1, 5, 0] {
            let answer = [5, 2, version, 0, 5, 0, 0, 1, 1, 2, 3, 4, 0, 1];
            let said = [&greeting[..], login, ASKED].concat();
            gets_through(KNOWN, &named(), false, &answer, &said);
        }
        let answer = b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x1f\x90";
        gets_through(KNOWN, &named(), false, answer, &[&greeting[..], ASKED].concat());
    }

    #[test]
    fn a_proxy_that_wants_another_login_is_told_nothing() {
        use ErrorKind::{ProxyAnswerInvalid, ProxyAuthenticationRequired};
        for (proxy, answer, kind, why) in [
            (ANONYMOUS, &b"\x05\xff"[..], ProxyAuthenticationRequired, "it wants to know who asks"),
            (KNOWN, b"\x05\xff", ProxyAuthenticationRequired, "it takes no name and password"),
            (
                ANONYMOUS,
                b"\x05\x02",
                ProxyAnswerInvalid,
                "it chose method 2, which was not offered",
            ),
            (KNOWN, b"\x05\x01", ProxyAnswerInvalid, "it chose method 1, which was not offered"),
            (ANONYMOUS, b"HTTP/1.1 400", ProxyAnswerInvalid, "it does not speak SOCKS5"),
        ] {
            assert_eq!(fails(proxy, &named(), answer), (kind, why.into()));
        }
        let refused = fails(KNOWN, &named(), b"\x05\x02\x01\x01");
        assert_eq!(refused.1, "it does not take this name and password");
    }

    #[test]
    fn a_refusal_is_named_by_its_code_even_if_it_is_cut_off_behind_it() {
        for (code, kind) in [
            (1, ErrorKind::ProxyRefused),
            (2, ErrorKind::ProxyRefused),
            (3, ErrorKind::CannotConnect),
            (4, ErrorKind::CannotConnect),
            (5, ErrorKind::CannotConnect),
            (6, ErrorKind::CannotConnect),
            (7, ErrorKind::ProxyRefused),
            (8, ErrorKind::ProxyRefused),
            (9, ErrorKind::ProxyAnswerInvalid),
        ] {
            let cut = talks(ANONYMOUS, &named(), false, &[5, 0, 5, code]);
            assert!(matches!(cut.end, End::Failed(found, _) if found == kind), "{cut:?}");
        }
        assert_eq!(
            fails(ANONYMOUS, &named(), b"\x05\x00\x05\x05").1,
            "it says: connection refused"
        );
    }

    #[test]
    fn an_answer_with_an_address_of_no_known_form_is_none() {
        assert_eq!(
            fails(ANONYMOUS, &named(), b"\x05\x00\x05\x00\x00\x02").0,
            ErrorKind::ProxyAnswerInvalid
        );
    }
}

mod socks4 {
    use super::*;

    #[test]
    fn addresses_are_asked_for_in_either_version_and_names_in_4a() {
        let answer = b"\x00\x5a\x00\x00\x00\x00\x00\x00";
        let four = four();
        gets_through("socks4://p", &four, false, answer, b"\x04\x01\x00\x19\xc0\x00\x02\x01\x00");
        gets_through(
            "socks4a://me@p",
            &four,
            false,
            answer,
            b"\x04\x01\x00\x19\xc0\x00\x02\x01me\x00",
        );
        let said = b"\x04\x01\x00\x19\x00\x00\x00\x01me\x00mail.test\x00";
        gets_through("socks4a://me@p", &named(), false, answer, said);
    }

    #[test]
    fn what_it_cannot_say_it_does_not_say() {
        for (proxy, to) in [("socks4://p", named()), ("socks4://p", six()), ("socks4a://p", six())]
        {
            let talk = talks(proxy, &to, false, b"");
            assert!(talk.said.is_empty());
            assert!(matches!(talk.end, End::Failed(ErrorKind::InvalidArgument, _)), "{talk:?}");
        }
    }

    #[test]
    fn refusals_are_named() {
        for (code, kind) in [
            (91, ErrorKind::ProxyRefused),
            (92, ErrorKind::ProxyAuthenticationRequired),
            (93, ErrorKind::ProxyAuthenticationRequired),
            (7, ErrorKind::ProxyAnswerInvalid),
        ] {
            assert_eq!(fails("socks4://p", &four(), &[0, code]).0, kind);
        }
        assert_eq!(fails("socks4://p", &four(), b"HTTP").1, "it does not speak SOCKS4");
    }
}

mod connect {
    use super::*;

    const ANONYMOUS: &str = "http://proxy.test";
    const KNOWN: &str = "http://me:secret@proxy.test";
    const SAID: &[u8] = b"CONNECT mail.test:25 HTTP/1.1\r\nHost: mail.test:25\r\n\r\n";

    #[test]
    fn any_2xx_is_the_tunnel_and_what_follows_is_the_destinations() {
        for answer in [
            "HTTP/1.1 200 Connection established\r\n\r\n",
            "HTTP/1.0 200 OK\r\nVia: x\r\n\r\n",
            "HTTP/1.1 200\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: one\r\n two\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        ] {
            gets_through(ANONYMOUS, &named(), false, answer.as_bytes(), SAID);
        }
    }

    #[test]
    fn an_address_of_ipv6_stands_in_brackets() {
        let said = b"CONNECT [2001:db8::1]:25 HTTP/1.1\r\nHost: [2001:db8::1]:25\r\n\r\n";
        gets_through(ANONYMOUS, &six(), false, b"HTTP/1.1 200 OK\r\n\r\n", said);
    }

    #[test]
    fn who_asks_is_said_only_when_the_proxy_has_asked() {
        let asks = b"HTTP/1.1 407 Who?\r\nProxy-Authenticate: Negotiate, Basic realm=\"y\"\r\n\r\n";
        let talk = talks(KNOWN, &named(), false, asks);
        assert_eq!((talk.said.as_slice(), talk.end), (SAID, End::Again(Challenge::Basic)));
        let said = b"CONNECT mail.test:25 HTTP/1.1\r\nHost: mail.test:25\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n";
        gets_through(KNOWN, &named(), true, b"HTTP/1.1 200 OK\r\n\r\n", said);
    }

    #[test]
    fn a_proxy_that_is_not_content_with_who_asks_is_asked_no_more() {
        let asks = b"HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm=\"y\"\r\n\r\n";
        let why = fails(ANONYMOUS, &named(), asks);
        assert_eq!(
            why,
            (ErrorKind::ProxyAuthenticationRequired, "it wants to know who asks".into())
        );
        let again = talks(KNOWN, &named(), true, asks).end;
        let why = "it does not take this name and password".to_owned();
        assert_eq!(again, End::Failed(ErrorKind::ProxyAuthenticationRequired, why));
        let wrong = b"HTTP/1.1 401 Unauthorized\r\n\r\n";
        let why = "it does not take this name and password".to_owned();
        let kind = ErrorKind::ProxyAuthenticationRequired;
        assert_eq!(talks(KNOWN, &named(), true, wrong).end, End::Failed(kind, why));
        let other = b"HTTP/1.1 407 Who?\r\nProxy-Authenticate: Negotiate\r\n\r\n";
        let why = "it wants to know who asks in a way that is not known here";
        assert_eq!(
            fails(KNOWN, &named(), other),
            (ErrorKind::ProxyAuthenticationRequired, why.into())
        );
    }

    #[test]
    fn a_nonce_that_was_too_old_is_replaced_and_three_of_them_are_enough() {
        let field = b"Digest realm=\"x\", nonce=\"n\", stale=true";
        let stale = Challenge::strongest([&field[..]].into_iter()).expect("it is understood");
        let proxy: Proxy = KNOWN.parse().expect("a proxy");
        let answer =
            [b"HTTP/1.1 407 Who?\r\nProxy-Authenticate: ", &field[..], b"\r\n\r\n"].concat();
        for asked in 0..6 {
            let before = (asked > 0).then(|| super::asked(stale.clone(), asked));
            let (mut handshake, _) = Handshake::new(&proxy, &named(), before).expect("it begins");
            let again = matches!(handshake.read(&answer), Ok(Reply::Again(_)));
            assert_eq!(again, asked <= 3, "asked {asked} times before");
        }
    }

    #[test]
    fn a_refusal_says_what_the_proxy_said_and_nothing_that_moves_a_cursor() {
        let refused = fails(ANONYMOUS, &named(), b"HTTP/1.1 403 Not here\r\n\r\n");
        assert_eq!(refused, (ErrorKind::ProxyRefused, "it says: 403 Not here".into()));
        let failed =
            fails(ANONYMOUS, &named(), b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9\r\n\r\n");
        assert_eq!(failed, (ErrorKind::CannotConnect, "it says: 502 Bad Gateway".into()));
        let long = format!("HTTP/1.1 403 {}\r\n\r\n", "x".repeat(500));
        assert!(fails(ANONYMOUS, &named(), long.as_bytes()).1.len() < 100);
    }

    #[test]
    fn what_is_no_answer_is_told_as_such() {
        for answer in [
            &b"\x05\x00\x00\x01"[..],
            b"SSH-2.0-OpenSSH\r\n\r\n",
            b"HTTP/2 200\r\n\r\n",
            b"HTTP/1.1 2x0 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA\0b: c\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        ] {
            assert_eq!(fails(ANONYMOUS, &named(), answer).0, ErrorKind::ProxyAnswerInvalid);
        }
    }

    #[test]
    fn what_never_ends_is_given_up_within_a_limit() {
        let endless = [&b"HTTP/1.1 200 OK\r\nX: "[..], &vec![b'y'; 70 << 10]].concat();
        let proxy: Proxy = ANONYMOUS.parse().unwrap();
        let end = talk(&proxy, &named(), false, &endless, 4096).end;
        assert!(matches!(end, End::Failed(ErrorKind::ProxyAnswerInvalid, _)), "{end:?}");
        let interim = "HTTP/1.1 102 Wait\r\n\r\n";
        let twenty = format!("{}HTTP/1.1 200 OK\r\n\r\n", interim.repeat(20));
        assert_eq!(
            talk(&proxy, &named(), false, twenty.as_bytes(), 4096).end,
            End::Through(vec![])
        );
        let more = interim.repeat(21);
        let end = talk(&proxy, &named(), false, more.as_bytes(), 4096).end;
        assert!(matches!(end, End::Failed(ErrorKind::ProxyAnswerInvalid, _)), "{end:?}");
    }

    #[test]
    fn a_hundred_fields_are_no_reason_to_refuse() {
        let fields: String = (0..100).map(|n| format!("X-{n}: y\r\n")).collect();
        let answer = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        let proxy: Proxy = ANONYMOUS.parse().unwrap();
        let end = talk(&proxy, &named(), false, answer.as_bytes(), 100).end;
        assert_eq!(end, End::Through(vec![]));
    }
}

mod written {
    use super::*;

    #[test]
    fn an_address_with_a_zone_that_has_a_name_is_asked_for_as_an_address() {
        let host = Host::new("fe80::1%eth0", 25).expect("a host");
        assert_eq!(Destination::of(&host).to_string(), "[fe80::1]:25");
    }

    #[test]
    fn a_proxy_is_written_as_a_url_with_the_usual_port_of_its_scheme() {
        for (text, shown) in [
            ("socks5h://proxy.test", "socks5h://proxy.test:1080"),
            ("SOCKS4A://10.0.0.1:9/", "socks4a://10.0.0.1:9"),
            ("http://[2001:db8::1]", "http://[2001:db8::1]:80"),
            ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
            ("http://me:p%40ss:word@proxy.test:3128", "http://proxy.test:3128"),
        ] {
            assert_eq!(text.parse::<Proxy>().expect(text).to_string(), shown);
        }
        let proxy: Proxy = "http://m%65:p%40ss:w@h".parse().expect("it is one");
        let login = proxy.login.as_ref().expect("it has one");
        assert_eq!((&*login.user, &*login.password), ("me", "p@ss:w"));
    }

    #[test]
    fn what_is_wrong_is_said_without_repeating_it() {
        for text in [
            "secret",
            "ftp://secret@host",
            "socks5://secret:secret@",
            "socks5://secret@host:0",
            "socks5://secret@host:port",
            "socks5://secret@host/path",
            "socks5://sec%ret@host",
            "socks5://secret%f@host",
            "socks5://me@host",
            "http://me:secret:127.0.0.1:80",
            "socks5://me:secret:1080",
            "http://me@[secret]:1",
            "http://secret%3A:x@host",
            "http://secret%0a:x@host",
            "socks5://a:secret@ho st",
        ] {
            let error = text.parse::<Proxy>().expect_err(text);
            let said = format!("{error} {error:?} {error:#?}");
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn nobody_is_shown_a_password() {
        let proxy: Proxy = "http://somebody:secret@host".parse().expect("it is one");
        let shown = format!("{proxy} {proxy:?} {proxy:#?}");
        assert!(!shown.contains("secret") && !shown.contains("somebody"), "{shown}");
    }
}
