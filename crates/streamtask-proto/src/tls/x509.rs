//! Fields of a certificate (RFC 5280, 4.1), found without judging it.
//!
//! webpki refuses to look into certificates that it would not trust. Where trust came from somewhere else,
//! their fields are found here.

use std::time::Duration;

use rustls::pki_types::UnixTime;

use super::der::{
    BIT_STRING, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER, SEQUENCE, UTC_TIME, expect, only,
    value,
};

/// A subject's public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PublicKey<'a> {
    /// The contents of its AlgorithmIdentifier.
    pub(super) algorithm: &'a [u8],
    /// The contents of its BIT STRING.
    pub(super) bits: &'a [u8],
}

/// From when until when a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) not_before: UnixTime,
    pub(super) not_after: UnixTime,
}

/// The object identifier of the algorithm that a certificate is signed with.
pub(super) fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (_tbs, rest) = expect(SEQUENCE, only(SEQUENCE, certificate)?)?;
    let (algorithm, _) = expect(SEQUENCE, rest)?;
    expect(OBJECT_IDENTIFIER, algorithm).map(|(identifier, _)| identifier)
}

pub(super) fn validity(certificate: &[u8]) -> Option<Validity> {
    let (validity, _) = expect(SEQUENCE, behind_issuer(certificate)?)?;
    let (not_before, rest) = time(validity)?;
    let (not_after, rest) = time(rest)?;
    rest.is_empty().then_some(Validity { not_before, not_after })
}

pub(super) fn public_key(certificate: &[u8]) -> Option<PublicKey<'_>> {
    let (_validity, rest) = expect(SEQUENCE, behind_issuer(certificate)?)?;
    let (_subject, rest) = expect(SEQUENCE, rest)?;
    let (key, _extensions) = expect(SEQUENCE, rest)?;
    let (algorithm, rest) = expect(SEQUENCE, key)?;
    // The first byte counts unused bits, of which no key has any.
    let bits = only(BIT_STRING, rest)?.strip_prefix(&[0])?;
    Some(PublicKey { algorithm, bits })
}

/// A subject's public key with its algorithm, as it stands there (SubjectPublicKeyInfo).
pub(super) fn public_key_info(certificate: &[u8]) -> Option<&[u8]> {
    let (_validity, rest) = expect(SEQUENCE, behind_issuer(certificate)?)?;
    let (_subject, rest) = expect(SEQUENCE, rest)?;
    let (_key, extensions) = expect(SEQUENCE, rest)?;
    Some(&rest[..rest.len() - extensions.len()])
}

/// The fields from the validity on.
fn behind_issuer(certificate: &[u8]) -> Option<&[u8]> {
    let (tbs, _) = expect(SEQUENCE, only(SEQUENCE, certificate)?)?;
    // A certificate of version 1 does not say so.
    let rest = match value(tbs)? {
        (VERSION, _, rest) => rest,
        _ => tbs,
    };
    let (_serial, rest) = expect(INTEGER, rest)?;
    let (_signature, rest) = expect(SEQUENCE, rest)?;
    let (_issuer, rest) = expect(SEQUENCE, rest)?;
    Some(rest)
}

/// The only two forms that certificates may have (RFC 5280, 4.1.2.5), both in UTC.
fn time(input: &[u8]) -> Option<(UnixTime, &[u8])> {
    let (tag, text, behind) = value(input)?;
    let digits = text.strip_suffix(b"Z").filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => match number(&digits[..2]) {
            year @ 50.. => (1900 + year, &digits[2..]),
            year => (2000 + year, &digits[2..]),
        },
        (GENERALIZED_TIME, 14) => (number(&digits[..4]), &digits[4..]),
        _ => return None,
    };
    let [month, day, hour, minute, second] =
        std::array::from_fn(|index| number(&rest[2 * index..2 * index + 2]));
    let is_time = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let seconds = ((days_before(year, month) + day - 1) * 24 + hour) * 3600 + minute * 60 + second;
    // Nothing that matters lies before 1970.
    let since = Duration::from_secs(seconds.saturating_sub(EPOCH_DAYS * 24 * 3600));
    is_time.then_some((UnixTime::since_unix_epoch(since), behind))
}

fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
}

/// The day and the minute, in UTC, as people write them.
pub(super) fn date(time: UnixTime) -> String {
    let minutes = time.as_secs() / 60;
    let (mut days, minute) = (minutes / (24 * 60) + EPOCH_DAYS, minutes % (24 * 60));
    // No year is longer, so this begins too early by a little.
    let mut year = days / 366;
    while days_before(year + 1, 1) <= days {
        year += 1;
    }
    let mut month = 1;
    days -= days_before(year, 1);
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02} {:02}:{:02} UTC", days + 1, minute / 60, minute % 60)
}

/// Days from the first of January of the year 0 to the first of this month.
fn days_before(year: u64, month: u64) -> u64 {
    // Year 0 is a leap year of this calendar, and so counts itself among the leap years before year 1.
    let leaps = match year.checked_sub(1) {
        Some(last) => last / 4 - last / 100 + last / 400 + 1,
        None => 0,
    };
    let months: u64 = (1..month).map(|month| days_in(year, month)).sum();
    year * 365 + leaps + months
}

fn days_in(year: u64, month: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `[0] EXPLICIT`.
const VERSION: u8 = 0xa0;
/// From the first of January of the year 0 to that of 1970.
const EPOCH_DAYS: u64 = 719_528;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tag: u8, text: &str) -> Option<u64> {
        let der = [&[tag, text.len() as u8][..], text.as_bytes()].concat();
        time(&der).map(|(time, _)| time.as_secs())
    }

    // date -u -d '2024-02-29 12:34:56' +%s
    #[test]
    fn both_forms_of_time_are_read() {
        for (tag, text, seconds) in [
            (UTC_TIME, "700101000000Z", 0),
            (UTC_TIME, "240229123456Z", 1_709_210_096),
            (UTC_TIME, "491231235959Z", 2_524_607_999),
            (UTC_TIME, "991231235959Z", 946_684_799),
            (UTC_TIME, "500101000000Z", 0),
            (GENERALIZED_TIME, "20240229123456Z", 1_709_210_096),
            (GENERALIZED_TIME, "20500101000000Z", 2_524_608_000),
            (GENERALIZED_TIME, "21000301000000Z", 4_107_542_400),
            (GENERALIZED_TIME, "99991231235959Z", 253_402_300_799),
            (GENERALIZED_TIME, "00000101000000Z", 0),
        ] {
            assert_eq!(read(tag, text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn a_date_is_shown_as_it_was_written() {
        for (seconds, shown) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_709_210_096, "2024-02-29 12:34 UTC"),
            (2_524_607_999, "2049-12-31 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
            (253_402_300_799, "9999-12-31 23:59 UTC"),
        ] {
            let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            assert_eq!(date(time), shown);
        }
        for day in (0..200 * 366).step_by(13) {
            let time = UnixTime::since_unix_epoch(Duration::from_secs(day * 24 * 3600));
            let digits: String = date(time).chars().filter(char::is_ascii_digit).collect();
            let read = read(GENERALIZED_TIME, &format!("{digits}00Z"));
            assert_eq!(read, Some(day * 24 * 3600), "{digits}");
        }
    }

    #[test]
    fn what_is_no_time_of_a_certificate_is_none() {
        for (tag, text) in [
            (UTC_TIME, "2402291234Z"),       // without seconds
            (UTC_TIME, "240229123456+0100"), // with a zone
            (UTC_TIME, "240229123456"),      // without one
            (UTC_TIME, "230229123456Z"),     // no leap year
            (UTC_TIME, "241301000000Z"),     // no month
            (UTC_TIME, "240100000000Z"),     // no day
            (UTC_TIME, "240101240000Z"),     // no hour
            (UTC_TIME, "24010100000xZ"),     // no number
            (UTC_TIME, "20240229123456Z"),   // the other form
            (GENERALIZED_TIME, "240229123456Z"),
            (GENERALIZED_TIME, "20240229123456.5Z"),
            (SEQUENCE, "240229123456Z"),
        ] {
            assert_eq!(read(tag, text), None, "{text}");
        }
    }

    #[test]
    fn the_fields_are_those_that_were_put_in() {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        let mut params = rcgen::CertificateParams::new(vec!["a.test".into()]).expect("a name");
        params.not_before = rcgen::date_time_ymd(2001, 2, 3);
        params.not_after = rcgen::date_time_ymd(2345, 6, 7);
        let certificate = params.self_signed(&key).expect("signed");
        let found = public_key(certificate.der()).expect("a key");
        use rcgen::PublicKeyData;
        assert_eq!(found.bits, key.der_bytes());
        assert_eq!(found.algorithm, rustls::pki_types::alg_id::ECDSA_P256.as_ref());
        let Validity { not_before, not_after } = validity(certificate.der()).expect("dates");
        assert_eq!(not_before.as_secs(), 981_158_400);
        assert_eq!(not_after.as_secs(), 11_847_427_200);
        for length in 0..certificate.der().len() {
            assert_eq!(public_key(&certificate.der()[..length]), None);
        }
    }
}
