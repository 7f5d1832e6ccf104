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

// RFC 8446, 5.1 and 5.2; the 2048 are TLS 1.2's (RFC 5246, 6.2.3).
const CHANGE_CIPHER_SPEC: u8 = 20;
const APPLICATION_DATA: u8 = 23;
pub(super) const MAX_PLAINTEXT: usize = 1 << 14;
const MAX_CIPHERTEXT: usize = MAX_PLAINTEXT + 2048;
