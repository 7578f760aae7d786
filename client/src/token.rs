//! The token that opens a private service.
//!
//! Knows which texts can be one; knows neither where it comes from nor who checks it.
//!
//! **Invariant:** a [`Token`] fits into a header as it is, and is not printed.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The longest token.
pub const MAX_TOKEN: usize = 512;

/// A bearer token (RFC 6750).
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Why a text is no token. The text isn't repeated: it may be a token with a slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a token has 1 to {MAX_TOKEN} letters, digits and -._~+/ with = at its end only")]
pub struct TokenError;

impl Token {
    /// The value of the header `Authorization`.
    #[must_use]
    pub fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// The token as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let body = text.trim_end_matches('=');
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        let fits = !body.is_empty() && text.len() <= MAX_TOKEN && body.bytes().all(allowed);
        fits.then(|| Self(text.to_owned())).ok_or(TokenError)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let header = text.parse().map(|token: Token| token.header());
        assert_eq!(
            header,
            expected.map(str::to_owned).ok_or(TokenError),
            "{text:?}"
        );
    }

    #[test]
    fn only_what_fits_into_a_header_is_a_token() {
        check("abc", Some("Bearer abc"));
        check("A-z0.9_~+/8==", Some("Bearer A-z0.9_~+/8=="));
        for text in [
            "",
            "=",
            "a=b",
            "a b",
            "a\r\nHost: b",
            "a\0",
            "tökén",
            "a,b",
            "\u{7f}",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn its_length_is_bounded() {
        let longest = "a".repeat(MAX_TOKEN);
        check(&longest, Some(&format!("Bearer {longest}")));
        check(&format!("{longest}a"), None);
        check(&format!("{longest}="), None);
    }

    #[test]
    fn it_is_not_printed() {
        let token: Token = "secret".parse().unwrap();
        assert!(!format!("{token:?}").contains("secret"));
        assert!(
            !"se cret"
                .parse::<Token>()
                .unwrap_err()
                .to_string()
                .contains("cret")
        );
    }
}
