//! What people have in hand when they write.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};

/// What can be written: text and bytes, owned or borrowed.
///
/// Owned memory is taken as it is; what is borrowed is copied once. To lend memory that lives for ever
/// without a copy, write `Bytes::from_static(…)`; `Bytes::from_owner(…)` lends whatever else owns some.
pub trait IntoBytes {
    /// The bytes, to be kept until they have left.
    fn into_shared_bytes(self) -> Bytes;
}

/// Owned: moved, not copied.
macro_rules! owned {
    ($($owner:ty),*) => {
        $(impl IntoBytes for $owner {
            fn into_shared_bytes(self) -> Bytes {
                self.into()
            }
        })*
    };
}

owned!(Bytes, BytesMut, Vec<u8>, Box<[u8]>, String);

impl IntoBytes for Box<str> {
    fn into_shared_bytes(self) -> Bytes {
        Bytes::from(String::from(self))
    }
}

/// Borrowed: copied once.
macro_rules! borrowed {
    ($($owner:ty),*) => {
        $(impl IntoBytes for &$owner {
            fn into_shared_bytes(self) -> Bytes {
                Bytes::copy_from_slice(self.as_ref())
            }
        })*
    };
}

borrowed!(str, String, [u8], Vec<u8>);

/// Shared: its memory stays where it is.
impl IntoBytes for &Bytes {
    fn into_shared_bytes(self) -> Bytes {
        self.clone()
    }
}

impl<const LENGTH: usize> IntoBytes for [u8; LENGTH] {
    fn into_shared_bytes(self) -> Bytes {
        Bytes::copy_from_slice(&self)
    }
}

impl<const LENGTH: usize> IntoBytes for &[u8; LENGTH] {
    fn into_shared_bytes(self) -> Bytes {
        Bytes::copy_from_slice(self)
    }
}

impl IntoBytes for Cow<'_, str> {
    fn into_shared_bytes(self) -> Bytes {
        Bytes::from(self.into_owned())
    }
}

impl IntoBytes for Cow<'_, [u8]> {
    fn into_shared_bytes(self) -> Bytes {
        Bytes::from(self.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_holds_bytes_can_be_written() {
        let text = String::from("abc");
        let all: [Bytes; 13] = [
            "abc".into_shared_bytes(),
            (&text).into_shared_bytes(),
            text.clone().into_shared_bytes(),
            Box::<str>::from("abc").into_shared_bytes(),
            Cow::from("abc").into_shared_bytes(),
            b"abc".into_shared_bytes(),
            (*b"abc").into_shared_bytes(),
            (&b"abc"[..]).into_shared_bytes(),
            (&vec![b'a', b'b', b'c']).into_shared_bytes(),
            Box::<[u8]>::from(*b"abc").into_shared_bytes(),
            Cow::from(&b"abc"[..]).into_shared_bytes(),
            BytesMut::from("abc").into_shared_bytes(),
            (&Bytes::from("abc")).into_shared_bytes(),
        ];
        assert!(all.iter().all(|bytes| bytes == "abc"));
    }

    #[test]
    fn what_is_owned_is_not_copied() {
        let owned = vec![1; 100];
        let place = owned.as_ptr();
        assert_eq!(owned.into_shared_bytes().as_ptr(), place);
    }
}
