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
