//! SOCKS5: what is asked, and what becomes of each answer.

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
        (ANONYMOUS, b"\x05\x02", ProxyAnswerInvalid, "it chose method 2, which was not offered"),
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
    assert_eq!(fails(ANONYMOUS, &named(), b"\x05\x00\x05\x05").1, "it says: connection refused");
}

#[test]
fn an_answer_with_an_address_of_no_known_form_is_none() {
    assert_eq!(
        fails(ANONYMOUS, &named(), b"\x05\x00\x05\x00\x00\x02").0,
        ErrorKind::ProxyAnswerInvalid
    );
}
