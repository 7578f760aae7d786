//! The name of a session. Whoever knows it may use the session's keys, so it is a secret between
//! one client and the evaluator: it has no `Debug` and is never logged.

use std::fmt;
use std::str::FromStr;

use super::SessionError;

/// 128 random bits, written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(u128);

/// The words aren't a session id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedId;

impl SessionId {
    /// A fresh id.
    ///
    /// # Errors
    /// [`SessionError::NoRandomness`] if the operating system gives none.
    pub fn random() -> Result<Self, SessionError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| SessionError::NoRandomness)?;
        Ok(Self(u128::from_be_bytes(bytes)))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for SessionId {
    type Err = MalformedId;

    fn from_str(words: &str) -> Result<Self, MalformedId> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if words.len() != 32 || !words.bytes().all(is_digit) {
            return Err(MalformedId);
        }
        u128::from_str_radix(words, 16)
            .map(Self)
            .map_err(|_| MalformedId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_thirty_two_digits_with_its_leading_zeros() {
        for (id, words) in [
            (0, "00000000000000000000000000000000"),
            (0xab, "000000000000000000000000000000ab"),
            (u128::MAX, "ffffffffffffffffffffffffffffffff"),
            (
                0x0123_4567_89ab_cdef_0f1e_2d3c_4b5a_6978,
                "0123456789abcdef0f1e2d3c4b5a6978",
            ),
        ] {
            assert_eq!(SessionId(id).to_string(), words);
            assert!(words.parse() == Ok(SessionId(id)), "{words}");
        }
    }

    #[test]
    fn other_words_are_no_id() {
        let good = "0123456789abcdef0f1e2d3c4b5a6978";
        let mut words = vec![String::new(), format!("{good}0"), good[1..].to_owned()];
        // Each just outside the digits and letters, or at home in other number formats.
        for wrong in ['/', ':', '`', 'g', 'A', 'F', '+', '-', '_', ' ', 'é'] {
            let mut replaced = good.to_owned();
            replaced.replace_range(..wrong.len_utf8(), &wrong.to_string());
            words.push(replaced);
        }
        for words in words {
            let parsed: Result<SessionId, _> = words.parse();
            assert!(parsed == Err(MalformedId), "{words:?}");
        }
    }

    /// A bit that is the same in all of 64 ids is a bit that can be guessed, but for 2^-56.
    #[test]
    fn no_bit_of_an_id_is_always_the_same() {
        let ids = || (0..64).map(|_| SessionId::random().expect("randomness").0);
        assert_eq!(ids().fold(0, |all, id| all | id), u128::MAX);
        assert_eq!(ids().fold(u128::MAX, |all, id| all & id), 0);
    }
}
