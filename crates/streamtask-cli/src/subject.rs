//! Who a certificate is about and who issued it, for people to read.
//!
//! It finds the common names in the DER and nothing else, and nothing is decided by what it finds:
//! verifying is rustls' business.

use crate::text::printable;

/// The common names of a certificate's two parties.
pub(crate) struct Names {
    pub(crate) subject: String,
    pub(crate) issuer: String,
}

/// Reads both names; `None` if this is no certificate.
pub(crate) fn names(certificate: &[u8]) -> Option<Names> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut fields, _) = element(certificate)?;
    if fields.first() == Some(&VERSION) {
        fields = element(fields)?.2;
    }
    // RFC 5280, 4.1: serialNumber, signature, issuer, validity, subject
    let (_, _serial, rest) = element(fields)?;
    let (_, _signature, rest) = element(rest)?;
    let (_, issuer, rest) = element(rest)?;
    let (_, _validity, rest) = element(rest)?;
    let (_, subject, _) = element(rest)?;
    Some(Names { subject: common_name(subject), issuer: common_name(issuer) })
}

/// The last common name, which is the most specific one.
fn common_name(mut name: &[u8]) -> String {
    let mut found = None;
    while let Some((_, set, rest)) = element(name) {
        name = rest;
        let attribute = element(set).and_then(|(_, pair, _)| element(pair));
        if let Some((_, COMMON_NAME, value)) = attribute {
            found = element(value).map(|(_, text, _)| printable(text)).or(found);
        }
    }
    found.unwrap_or_else(|| "nobody in particular".to_owned())
}

/// Splits `der` into its first element's tag and contents, and what comes behind it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, short], rest) = der.split_first_chunk()?;
    let (length, rest) = match short {
        0..=0x7f => (usize::from(short), rest),
        // X.690, 8.1.3.5: so many bytes of length follow. Nothing here is longer than 64 KiB.
        0x81 => rest.split_first().map(|(&length, rest)| (usize::from(length), rest))?,
        0x82 => rest
            .split_first_chunk()
            .map(|(&length, rest)| (usize::from(u16::from_be_bytes(length)), rest))?,
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

/// The tag of the optional first field.
const VERSION: u8 = 0xa0;
/// id-at-commonName, 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 4, 3];

#[cfg(test)]
mod tests {
    use streamtask_testkit::{Authority, Certificate};

    use super::*;

    #[test]
    fn the_names_of_both_parties_are_found() {
        let issued = Authority::new().issue(&["leaf.example"]);
        let names = names(&issued.chain()[0]).expect("a certificate");
        assert_eq!(names.subject, "leaf.example");
        assert!(names.issuer.starts_with("streamtask testkit root"), "{}", names.issuer);
    }

    #[test]
    fn a_cut_certificate_gives_no_names_and_no_panic() {
        let whole = Certificate::self_signed(&["localhost"]).chain()[0].to_vec();
        for length in 0..whole.len() {
            assert!(names(&whole[..length]).is_none(), "{length}");
        }
        for place in 0..whole.len() {
            let mut bent = whole.clone();
            bent[place] ^= 0xff;
            let _ = names(&bent);
        }
    }
}
