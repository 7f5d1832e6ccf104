//! HTTP's CONNECT: the same, with logins, limits and words for a terminal.

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
    assert_eq!(why, (ErrorKind::ProxyAuthenticationRequired, "it wants to know who asks".into()));
    let again = talks(KNOWN, &named(), true, asks).end;
    let why = "it does not take this name and password".to_owned();
    assert_eq!(again, End::Failed(ErrorKind::ProxyAuthenticationRequired, why));
    let wrong = b"HTTP/1.1 401 Unauthorized\r\n\r\n";
    let why = "it does not take this name and password".to_owned();
    let kind = ErrorKind::ProxyAuthenticationRequired;
    assert_eq!(talks(KNOWN, &named(), true, wrong).end, End::Failed(kind, why));
    let other = b"HTTP/1.1 407 Who?\r\nProxy-Authenticate: Negotiate\r\n\r\n";
    let why = "it wants to know who asks in a way that is not known here";
    assert_eq!(fails(KNOWN, &named(), other), (ErrorKind::ProxyAuthenticationRequired, why.into()));
}

#[test]
fn a_nonce_that_was_too_old_is_replaced_and_three_of_them_are_enough() {
    let field = b"Digest realm=\"x\", nonce=\"n\", stale=true";
    let stale = Challenge::strongest([&field[..]].into_iter()).expect("it is understood");
    let proxy: Proxy = KNOWN.parse().expect("a proxy");
    let answer = [b"HTTP/1.1 407 Who?\r\nProxy-Authenticate: ", &field[..], b"\r\n\r\n"].concat();
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
    assert_eq!(talk(&proxy, &named(), false, twenty.as_bytes(), 4096).end, End::Through(vec![]));
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
