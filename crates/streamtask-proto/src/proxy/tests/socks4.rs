//! SOCKS4 and 4A: the same.

use super::*;

#[test]
fn addresses_are_asked_for_in_either_version_and_names_in_4a() {
    let answer = b"\x00\x5a\x00\x00\x00\x00\x00\x00";
    let four = four();
    gets_through("socks4://p", &four, false, answer, b"\x04\x01\x00\x19\xc0\x00\x02\x01\x00");
    gets_through("socks4a://me@p", &four, false, answer, b"\x04\x01\x00\x19\xc0\x00\x02\x01me\x00");
    let said = b"\x04\x01\x00\x19\x00\x00\x00\x01me\x00mail.test\x00";
    gets_through("socks4a://me@p", &named(), false, answer, said);
}

#[test]
fn what_it_cannot_say_it_does_not_say() {
    for (proxy, to) in [("socks4://p", named()), ("socks4://p", six()), ("socks4a://p", six())] {
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
