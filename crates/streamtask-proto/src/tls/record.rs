//! Where one record ends and the next begins (RFC 8446, 5.1), as far as the engine must know it.
//!
//! Nothing is opened here: what is in a record is rustls' to say.

/// The length of the first record of `wire`, header and all, if it is whole.
///
/// What cannot be a record is passed on at once, so that rustls says what is wrong with it instead of
/// waiting for bytes that will not come.
pub(super) fn next_record(wire: &[u8]) -> Option<usize> {
    let first = *wire.first()?;
    if !(CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&first) {
        return Some(wire.len());
    }
    let header = wire.first_chunk::<5>()?;
    let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
    match length > MAX_CIPHERTEXT {
        true => Some(wire.len()),
        false => (wire.len() >= 5 + length).then_some(5 + length),
    }
}

/// Whether `record` is a close_notify in the clear, perhaps behind warnings such as user_canceled.
///
/// Several alerts may share a record (RFC 5246, 6.2.1; RFC 8446 forbids it, peers do it), and whatever
/// level a close_notify has, nothing comes behind it.
pub(super) fn ends_tls(record: &[u8]) -> bool {
    let [ALERT, _, _, _, _, alerts @ ..] = record else { return false };
    // What is shorter than the tag of an AEAD cannot be encrypted.
    let is_clear = alerts.len() < TAG;
    let is_last = |alert: &&[u8]| match alert[1] {
        CLOSE_NOTIFY => true,
        USER_CANCELED => false,
        _ => alert[0] != WARNING,
    };
    let last = alerts.chunks_exact(2).find(is_last);
    is_clear && last.is_some_and(|alert| alert[1] == CLOSE_NOTIFY)
}

// RFC 8446, 5.1 and 5.2; the 2048 are TLS 1.2's (RFC 5246, 6.2.3).
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const APPLICATION_DATA: u8 = 23;
pub(super) const MAX_PLAINTEXT: usize = 1 << 14;
const MAX_CIPHERTEXT: usize = MAX_PLAINTEXT + 2048;
// RFC 8446, 6 and 6.1.
const WARNING: u8 = 1;
const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;
/// Of every cipher suite that rustls has (RFC 5116, 5.1; RFC 8439, 2.8).
const TAG: usize = 16;
