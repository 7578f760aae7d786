//! Bearer tokens, for hosts that serve people they know.
//!
//! Knows names and digests; no token is kept, neither in the file nor in memory.
//!
//! A token is 256 random bits, so one round of SHA-256 is enough: there is nothing to guess.
//!
//! **Invariant:** a request passes only if the SHA-256 of its token stands in the file.

#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::collections::HashSet;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use thiserror::Error;

const DIGEST_BYTES: usize = 32;

/// The tokens that are accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    digests: HashSet<[u8; DIGEST_BYTES]>,
}

/// Why a file of tokens can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokensError {
    /// A line that isn't a name and a digest.
    #[error(
        "line {line} is not a name and 64 hexadecimal digits; `evaluator token NAME` makes a line"
    )]
    Line {
        /// Its number, from 1.
        line: usize,
    },
    /// A file that would let nobody in.
    #[error("it holds no token; `evaluator token NAME` makes a line")]
    Empty,
}

/// A token that was just made.
pub struct NewToken {
    /// What its owner sends; it is nowhere kept.
    pub token: String,
    /// The line for the file.
    pub line: String,
}

impl Tokens {
    /// The tokens of a file: in each line a name and the token's SHA-256; `#` begins a comment.
    ///
    /// # Errors
    /// The first line that is something else, or that there is none.
    pub fn parse(text: &str) -> Result<Self, TokensError> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let lines = lines.filter(|(_, words)| !words.is_empty() && !words.starts_with('#'));
        let digest = |(line, words): (usize, &str)| {
            let mut words = words.split_whitespace();
            let (_name, digest) = (words.next(), words.next());
            let digest = digest.filter(|_| words.next().is_none()).and_then(unhex);
            digest.ok_or(TokensError::Line { line })
        };
        let digests: HashSet<_> = lines.map(digest).collect::<Result<_, _>>()?;
        if digests.is_empty() {
            return Err(TokensError::Empty);
        }
        Ok(Self { digests })
    }

    /// Whether a request carries one of them.
    #[must_use]
    pub fn admit(&self, headers: &HeaderMap) -> bool {
        let Some(words) = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
        else {
            return false;
        };
        let token = words
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        // What the look-up's time tells is about the digest, which tells nothing about the token.
        token.is_some_and(|token| self.digests.contains(&digest_of(token)))
    }

    /// Makes a token for `name`, which is one word.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub fn make(name: &str) -> Result<NewToken, getrandom::Error> {
        let mut bits = [0; DIGEST_BYTES];
        getrandom::fill(&mut bits)?;
        let token = URL_SAFE_NO_PAD.encode(bits);
        let digest = digest_of(&token);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(NewToken {
            line: format!("{name} {hex}"),
            token,
        })
    }
}

fn digest_of(token: &str) -> [u8; DIGEST_BYTES] {
    Sha256::digest(token).into()
}

fn unhex(words: &str) -> Option<[u8; DIGEST_BYTES]> {
    let (pairs, rest) = words.as_bytes().as_chunks::<2>();
    if pairs.len() != DIGEST_BYTES || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; DIGEST_BYTES];
    for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(16 * digit(high)? + digit(low)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    /// `printf abc | sha256sum`
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn admits(tokens: &Tokens, words: &str) -> bool {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_str(words).expect("a header");
        headers.insert(AUTHORIZATION, value);
        tokens.admit(&headers)
    }

    #[test]
    fn the_token_of_a_digest_is_admitted_and_no_other() {
        let tokens = Tokens::parse(&format!("# ours\n\n  ada  {ABC}\n")).expect("parses");
        assert!(admits(&tokens, "Bearer abc"));
        assert!(admits(&tokens, "bearer  abc"));
        for wrong in ["Bearer abd", "Bearer", "Bearer ", "Basic abc", "abc", ABC] {
            assert!(!admits(&tokens, wrong), "{wrong}");
        }
        assert!(
            !admits(&tokens, &format!("Bearer {ABC}")),
            "a digest is no token"
        );
        assert!(!tokens.admit(&HeaderMap::new()));
    }

    #[test]
    fn a_new_token_fits_its_line() {
        let new = Tokens::make("ada").expect("randomness");
        assert!(new.line.starts_with("ada ") && !new.line.contains(&new.token));
        assert_eq!(new.token.len(), 43);
        let tokens = Tokens::parse(&new.line).expect("parses");
        assert!(admits(&tokens, &format!("Bearer {}", new.token)));
        let other = Tokens::make("ada").expect("randomness");
        assert!(!admits(&tokens, &format!("Bearer {}", other.token)));
    }

    #[test]
    fn broken_files_name_the_line() {
        let check = |text: &str, expected| assert_eq!(Tokens::parse(text), Err(expected), "{text}");
        check("", TokensError::Empty);
        check("# nobody\n", TokensError::Empty);
        check("ada", TokensError::Line { line: 1 });
        check(&format!("{ABC}\n"), TokensError::Line { line: 1 });
        check(
            &format!("ada {ABC}\nbob {}", &ABC[1..]),
            TokensError::Line { line: 2 },
        );
        check(
            &format!("ada {}", ABC.replace('b', "g")),
            TokensError::Line { line: 1 },
        );
        check(&format!("ada {ABC} x"), TokensError::Line { line: 1 });
        check(&format!("ada {ABC}é"), TokensError::Line { line: 1 });
    }
}
