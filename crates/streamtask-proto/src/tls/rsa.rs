//! Signatures of RSA keys that are too small for the provider (RFC 8017, 8).
//!
//! Old appliances have keys of 1024 bits. Nobody is led to trust them here; but whoever does trust one may
//! want to know that it is the peer's. Everything in here is public, so nothing has to take the same time
//! for every input; small and plain is what matters.

use aws_lc_rs::digest::{Algorithm, Digest, SHA256, SHA384, SHA512, digest};
use rustls::SignatureScheme;

use super::der::{SEQUENCE, only, unsigned};

/// An RSAPublicKey (RFC 8017, A.1.1).
#[derive(Debug)]
pub(super) struct Key {
    modulus: Number,
    exponent: u64,
    bits: usize,
}

impl Key {
    /// Reads DER; `None` for what no RSA key can be.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (modulus, rest) = unsigned(only(SEQUENCE, der)?)?;
        let (exponent, rest) = unsigned(rest)?;
        let bits = 8 * modulus.len() - modulus.first()?.leading_zeros() as usize;
        let is_odd = modulus.last()? & 1 == 1;
        let exponent = exponent
            .iter()
            .try_fold(0_u64, |sum, byte| (sum < 1 << 32).then_some(sum << 8 | u64::from(*byte)))?;
        // With an exponent of 1 everybody can sign. Larger than 33 bits no library takes.
        let is_exponent = (3..1 << 33).contains(&exponent) && exponent & 1 == 1;
        let modulus = Number::read(modulus);
        (rest.is_empty() && is_odd && is_exponent).then_some(Key { modulus, exponent, bits })
    }

    /// The size of the modulus.
    pub(super) fn bits(&self) -> usize {
        self.bits
    }

    /// Whether `signature` of `message` was made with the private half of this key.
    pub(super) fn verifies(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let Some((padding, hash)) = padding(scheme) else { return false };
        let Some(encoded) = self.open(signature) else { return false };
        let digest = digest(hash, message);
        match padding {
            Padding::Pkcs1(info) => is_pkcs1(&encoded, info, digest.as_ref()),
            Padding::Pss => is_pss(&encoded, self.bits - 1, hash, digest).is_some(),
        }
    }

    /// RSAVP1 (RFC 8017, 5.2.2): what the private key was applied to, as long as the modulus.
    fn open(&self, signature: &[u8]) -> Option<Vec<u8>> {
        let length = self.bits.div_ceil(8);
        let number = Number::read(signature);
        let is_signature = signature.len() == length && number.is_less_than(&self.modulus);
        is_signature.then(|| number.power(self.exponent, &self.modulus).write(length))
    }
}

enum Padding {
    /// With what stands before the digest.
    Pkcs1(&'static [u8]),
    Pss,
}

fn padding(scheme: SignatureScheme) -> Option<(Padding, &'static Algorithm)> {
    Some(match scheme {
        SignatureScheme::RSA_PKCS1_SHA256 => (Padding::Pkcs1(&SHA256_INFO), &SHA256),
        SignatureScheme::RSA_PKCS1_SHA384 => (Padding::Pkcs1(&SHA384_INFO), &SHA384),
        SignatureScheme::RSA_PKCS1_SHA512 => (Padding::Pkcs1(&SHA512_INFO), &SHA512),
        SignatureScheme::RSA_PSS_SHA256 => (Padding::Pss, &SHA256),
        SignatureScheme::RSA_PSS_SHA384 => (Padding::Pss, &SHA384),
        SignatureScheme::RSA_PSS_SHA512 => (Padding::Pss, &SHA512),
        _ => return None,
    })
}

/// EMSA-PKCS1-v1_5 (RFC 8017, 8.2.2): made again and compared, so that nothing has to be parsed.
fn is_pkcs1(encoded: &[u8], info: &[u8], digest: &[u8]) -> bool {
    // At least eight bytes of padding (RFC 8017, 9.2).
    let padding = encoded.len().checked_sub(3 + info.len() + digest.len()).filter(|len| *len >= 8);
    padding.is_some_and(|length| {
        encoded == [&[0, 1][..], &vec![0xff; length], &[0], info, digest].concat()
    })
}

/// EMSA-PSS-VERIFY (RFC 8017, 9.1.2) with a salt as long as the hash (RFC 8446, 4.2.3).
fn is_pss(encoded: &[u8], bits: usize, hash: &'static Algorithm, digest: Digest) -> Option<()> {
    let length = bits.div_ceil(8);
    let (zeros, encoded) = encoded.split_at_checked(encoded.len().checked_sub(length)?)?;
    let (encoded, trailer) = encoded.split_at_checked(length.checked_sub(1)?)?;
    let room = encoded.len().checked_sub(hash.output_len())?;
    let (masked, tag) = encoded.split_at_checked(room)?;
    let unused = !(0xff >> (8 * length - bits));
    let is_formed = zeros.iter().all(|byte| *byte == 0)
        && trailer == [0xbc]
        && masked.first().is_some_and(|first| first & unused == 0);
    let mut data = unmask(masked, tag, hash);
    *data.first_mut()? &= !unused;
    let (padding, salt) = data.split_at_checked(room.checked_sub(hash.output_len())?)?;
    let (one, zeros) = padding.split_last()?;
    let is_padded = *one == 1 && zeros.iter().all(|byte| *byte == 0);
    let expected = self::digest(hash, &[&[0; 8], digest.as_ref(), salt].concat());
    (is_formed && is_padded && expected.as_ref() == tag).then_some(())
}

/// Takes MGF1 of `seed` (RFC 8017, B.2.1) off `masked`.
fn unmask(masked: &[u8], seed: &[u8], hash: &'static Algorithm) -> Vec<u8> {
    let blocks = masked.chunks(hash.output_len()).zip(0_u32..);
    let unmask_block = |(block, count): (&[u8], u32)| {
        let mask = digest(hash, &[seed, &count.to_be_bytes()].concat());
        block.iter().zip(mask.as_ref()).map(|(byte, mask)| byte ^ mask).collect::<Vec<u8>>()
    };
    blocks.flat_map(unmask_block).collect()
}

/// A natural number, the lowest limb first.
#[derive(Clone, Debug)]
struct Number(Vec<u32>);

impl Number {
    fn read(bytes: &[u8]) -> Self {
        let limb = |chunk: &[u8]| chunk.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        Number(bytes.rchunks(4).map(limb).collect())
    }

    /// The lowest `length` bytes, the highest first.
    fn write(&self, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.0.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        bytes.resize(length, 0);
        bytes.reverse();
        bytes
    }

    fn limb(&self, index: usize) -> u32 {
        self.0.get(index).copied().unwrap_or(0)
    }

    fn bit(&self, index: usize) -> bool {
        self.limb(index / 32) >> (index % 32) & 1 == 1
    }

    fn is_less_than(&self, other: &Number) -> bool {
        let limbs = self.0.len().max(other.0.len());
        let highest = (0..limbs).rev().find(|index| self.limb(*index) != other.limb(*index));
        highest.is_some_and(|index| self.limb(index) < other.limb(index))
    }

    /// This to the power of `exponent`, which is not 0; this is less than `modulus`.
    fn power(&self, exponent: u64, modulus: &Number) -> Number {
        let below_highest = 0..exponent.ilog2();
        below_highest.rev().fold(self.clone(), |power, bit| {
            let square = power.times(&power, modulus);
            match exponent >> bit & 1 {
                1 => square.times(self, modulus),
                _ => square,
            }
        })
    }

    /// The product, by doubling and adding; both factors are less than `modulus`.
    fn times(&self, other: &Number, modulus: &Number) -> Number {
        // One limb more than the modulus, for the carry of a sum that is not reduced yet.
        let mut product = Number(vec![0; modulus.0.len() + 1]);
        for bit in (0..32 * other.0.len()).rev() {
            product.double();
            product.reduce(modulus);
            if other.bit(bit) {
                product.add(self);
                product.reduce(modulus);
            }
        }
        product
    }

    /// Has room for the sum.
    fn add(&mut self, other: &Number) {
        let mut carry = 0;
        for index in 0..self.0.len() {
            let sum = u64::from(self.0[index]) + u64::from(other.limb(index)) + carry;
            self.0[index] = sum as u32;
            carry = sum >> 32;
        }
    }

    /// Has room for the sum.
    fn double(&mut self) {
        let mut carry = 0;
        for limb in &mut self.0 {
            (*limb, carry) = (*limb << 1 | carry, *limb >> 31);
        }
    }

    /// Brings what is less than twice the modulus below it.
    fn reduce(&mut self, modulus: &Number) {
        if self.is_less_than(modulus) {
            return;
        }
        let mut borrow = false;
        for index in 0..self.0.len() {
            let (less, one) = self.0[index].overflowing_sub(modulus.limb(index));
            let (less, two) = less.overflowing_sub(u32::from(borrow));
            (self.0[index], borrow) = (less, one || two);
        }
    }
}

/// What stands before the digest in a DigestInfo (RFC 8017, 9.2, note 1).
const SHA256_INFO: [u8; 19] = info(1, 32);
const SHA384_INFO: [u8; 19] = info(2, 48);
const SHA512_INFO: [u8; 19] = info(3, 64);

/// SEQUENCE { SEQUENCE { id-sha…, NULL }, OCTET STRING of `length` bytes }
const fn info(hash: u8, length: u8) -> [u8; 19] {
    [0x30, 17 + length, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, hash, 5, 0, 4, length]
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{self, KeyPair, RsaKeyPair};

    use super::*;

    const MESSAGE: &[u8] = b"a message";

    const SCHEMES: [SignatureScheme; 6] = [
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::RSA_PKCS1_SHA384,
        SignatureScheme::RSA_PKCS1_SHA512,
        SignatureScheme::RSA_PSS_SHA256,
        SignatureScheme::RSA_PSS_SHA384,
        SignatureScheme::RSA_PSS_SHA512,
    ];

    fn scheme(padding: &str, hash: &str) -> SignatureScheme {
        let name = format!("RSA_{}_{}", padding.to_uppercase(), hash.to_uppercase());
        let named = |scheme: &SignatureScheme| format!("{scheme:?}") == name;
        SCHEMES.into_iter().find(named).expect("a scheme of RSA")
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
        (0..hex.len()).step_by(2).map(byte).collect()
    }

    /// The size, the scheme, the key and the signature of what openssl has signed.
    fn of_openssl() -> Vec<(usize, SignatureScheme, Vec<u8>, Vec<u8>)> {
        let lines = include_str!("tests/rsa-signatures.txt").lines();
        let read = |line: &str| {
            let [bits, padding, hash, key, signature] =
                line.split(' ').collect::<Vec<_>>().try_into().expect("five columns");
            let bits = bits.parse().expect("a number");
            (bits, scheme(padding, hash), bytes(key), bytes(signature))
        };
        lines.filter(|line| !line.starts_with('#')).map(read).collect()
    }

    #[test]
    fn what_openssl_signs_with_small_keys_is_verified() {
        for (bits, scheme, key, signature) in of_openssl() {
            let key = Key::read(&key).expect("a key");
            assert_eq!(key.bits(), bits);
            for other in SCHEMES {
                let verifies = key.verifies(other, MESSAGE, &signature);
                assert_eq!(verifies, other == scheme, "{bits} {scheme:?} as {other:?}");
            }
        }
    }

    #[test]
    fn no_bit_may_differ() {
        for (bits, scheme, key, signature) in of_openssl().into_iter().take(3) {
            let read = Key::read(&key).expect("a key");
            for at in (0..8 * signature.len()).step_by(131) {
                let mut broken = signature.clone();
                broken[at / 8] ^= 1 << (at % 8);
                assert!(!read.verifies(scheme, MESSAGE, &broken), "{bits} {scheme:?} bit {at}");
            }
            assert!(!read.verifies(scheme, b"another message", &signature));
            assert!(!read.verifies(scheme, MESSAGE, &signature[1..]));
            assert!(!read.verifies(scheme, MESSAGE, &[&[0], &signature[..]].concat()));
            assert!(!read.verifies(scheme, MESSAGE, &[]));
            assert!(!read.verifies(scheme, MESSAGE, &vec![0; signature.len()]));
            assert!(!read.verifies(scheme, MESSAGE, &vec![0xff; signature.len()]));
        }
    }

    /// The provider signs with larger keys only, and says the same about them.
    #[test]
    fn the_provider_agrees() {
        let pair = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).expect("a key");
        let key = Key::read(pair.public_key().as_ref()).expect("a key");
        let encodings: [&'static dyn signature::RsaEncoding; 6] = [
            &signature::RSA_PKCS1_SHA256,
            &signature::RSA_PKCS1_SHA384,
            &signature::RSA_PKCS1_SHA512,
            &signature::RSA_PSS_SHA256,
            &signature::RSA_PSS_SHA384,
            &signature::RSA_PSS_SHA512,
        ];
        for (encoding, scheme) in encodings.into_iter().zip(SCHEMES) {
            for length in 0..4 {
                let message = vec![b'm'; 1000 * length];
                let mut signed = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), &message, &mut signed).expect("signed");
                assert!(key.verifies(scheme, &message, &signed), "{scheme:?}");
            }
        }
    }

    #[test]
    fn what_is_no_key_is_not_read() {
        let key = |modulus: &[u8], exponent: &[u8]| {
            let integer = |number: &[u8]| [&[2, number.len() as u8], number].concat();
            let content = [integer(modulus), integer(exponent)].concat();
            Key::read(&[&[0x30, content.len() as u8][..], &content].concat()).map(|key| key.bits())
        };
        assert_eq!(key(&[0x0d], &[3]), Some(4));
        assert_eq!(key(&[0x0d], &[1, 0, 0, 0, 1]), Some(4));
        assert_eq!(key(&[0x0e], &[3]), None, "an even modulus");
        assert_eq!(key(&[0], &[3]), None, "no modulus");
        for exponent in [&[0][..], &[1], &[2], &[4], &[2, 0, 0, 0, 1], &[1, 0, 0, 0, 0, 0, 0, 0, 3]]
        {
            assert_eq!(key(&[0x0d], exponent), None, "{exponent:?}");
        }
        assert_eq!(Key::read(&[]).map(|key| key.bits()), None);
    }

    #[test]
    fn powers_are_those_of_arithmetic() {
        for (base, exponent, modulus) in
            [(2_u64, 10, 1001), (0, 3, 7), (6, 5, 7), (12345, 17, 65537)]
        {
            let number = |value: u64| Number::read(&value.to_be_bytes());
            let power = number(base).power(exponent, &number(modulus)).write(8);
            let expected = (0..exponent).fold(1, |product, _| product * base % modulus);
            assert_eq!(power, expected.to_be_bytes(), "{base}^{exponent} mod {modulus}");
        }
    }
}
