//! Just enough DER (X.690) to find a field in a certificate.
//!
//! Strict, so that it never sees another field than other readers of the same bytes do: every length in
//! its shortest form, and nothing behind what should be the last value.

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;

/// Splits one value off: its tag, its contents and what follows.
pub(super) fn value(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (length, rest) = length(rest)?;
    let (contents, behind) = rest.split_at_checked(length)?;
    // Tags of several bytes occur in no certificate.
    (tag & 0x1f != 0x1f).then_some((tag, contents, behind))
}

/// The same for a value that must have this tag: its contents and what follows.
pub(super) fn expect(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    value(input).filter(|found| found.0 == tag).map(|(_, contents, behind)| (contents, behind))
}

/// The contents of a value of this tag with nothing behind it.
pub(super) fn only(tag: u8, input: &[u8]) -> Option<&[u8]> {
    expect(tag, input).filter(|(_, behind)| behind.is_empty()).map(|(contents, _)| contents)
}

/// An INTEGER that is not negative, without leading zeros, and what follows.
pub(super) fn unsigned(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (contents, behind) = expect(INTEGER, input)?;
    match contents {
        [] | [0x80..=0xff, ..] | [0, 0..=0x7f, ..] => None,
        [0, number @ ..] => Some((number, behind)),
        number => Some((number, behind)),
    }
}

fn length(input: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = input.split_first()?;
    if first < 0x80 {
        return Some((first.into(), rest));
    }
    // No certificate has more than four bytes of length.
    let count = usize::from(first & 0x7f);
    let (bytes, rest) = rest.split_at_checked(count)?;
    let length = bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let is_shortest = length >= 0x80 && bytes.first() != Some(&0);
    (count <= 4 && is_shortest).then_some((length, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_with_what_follows() {
        assert_eq!(value(&[2, 1, 7, 9]), Some((2, &[7][..], &[9][..])));
        let long = [&[0x30, 0x81, 0x80][..], &[5; 0x80], &[1]].concat();
        assert_eq!(value(&long), Some((0x30, &[5; 0x80][..], &[1][..])));
        assert_eq!(only(0x02, &[2, 1, 7]), Some(&[7][..]));
    }

    #[test]
    fn what_is_not_der_has_no_value() {
        for broken in [
            &[][..],
            &[0x30],
            &[0x30, 2, 1],                         // shorter than it says
            &[0x30, 0x80, 0, 0],                   // of no definite length
            &[0x30, 0x81, 1, 7],                   // a length that fits one byte
            &[0x30, 0x82, 0, 0x80],                // a length with a leading zero
            &[0x30, 0x85, 1, 0, 0, 0, 0],          // longer than anything
            &[0x3f, 0x81, 0x01, 1, 7],             // a tag of several bytes
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], // longer than the input
        ] {
            assert_eq!(value(broken), None, "{broken:?}");
        }
        assert_eq!(only(0x02, &[2, 1, 7, 0]), None, "something follows");
        assert_eq!(only(0x30, &[2, 1, 7]), None, "of another kind");
    }

    #[test]
    fn integers_are_read_in_their_one_form() {
        assert_eq!(unsigned(&[2, 1, 0x7f]), Some((&[0x7f][..], &[][..])));
        assert_eq!(unsigned(&[2, 2, 0, 0x80]), Some((&[0x80][..], &[][..])));
        assert_eq!(unsigned(&[2, 1, 0]), Some((&[][..], &[][..])), "nothing is left of zero");
        for broken in [&[2, 0][..], &[2, 1, 0x80], &[2, 2, 0, 0x7f], &[3, 1, 1]] {
            assert_eq!(unsigned(broken), None, "{broken:?}");
        }
    }
}
