//! What a person seals a key file with.
//!
//! **Invariant:** it is wiped when dropped and shows itself in no message for people.

use std::fmt;

use bincode::de::{BorrowDecoder, Decoder};
use bincode::enc::Encoder;
use bincode::error::{DecodeError, EncodeError};
use bincode::{BorrowDecode, Decode, Encode};
use zeroize::Zeroizing;

/// Fewest characters that a new one may have.
pub const MIN_LENGTH: usize = client::sealed::LEAST_PASSPHRASE;

/// A passphrase as it was typed.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// What was typed.
    pub fn new(typed: String) -> Self {
        Self(Zeroizing::new(typed))
    }

    /// True if a file that is sealed with it withstands more than a glance.
    pub fn is_long_enough(&self) -> bool {
        self.0.chars().count() >= MIN_LENGTH
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase")
    }
}

impl Encode for Passphrase {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.0.as_str().encode(encoder)
    }
}

impl<C> Decode<C> for Passphrase {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        String::decode(decoder).map(Self::new)
    }
}

impl<'de, C> BorrowDecode<'de, C> for Passphrase {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        Self::decode(decoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_itself_to_nobody() {
        let passphrase = Passphrase::new("correct horse".into());
        assert_eq!(format!("{passphrase:?}"), "Passphrase");
    }

    #[test]
    fn characters_count_and_not_bytes() {
        let long_enough = |typed: &str| Passphrase::new(typed.into()).is_long_enough();
        assert!(long_enough("äöüäöüäöüä"));
        assert!(!long_enough("äöüäöüäöü"));
    }
}
