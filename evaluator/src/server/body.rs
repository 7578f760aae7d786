//! Reading a request's body within a size and a time.
//!
//! Knows lengths and headers; doesn't know what the bytes mean.
//!
//! **Invariant:** never more than the limit is kept in memory, whatever the headers promise, and a
//! sender that stalls is let go.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::web::{Bytes, Payload};
use shared::api::OCTET_STREAM;
use tokio::time::timeout;

use super::problem::{ApiError, quote};

/// How much of a body is read, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes.
    pub bytes: usize,
    /// Time for the whole body.
    pub time: Duration,
}

/// Reads an `application/octet-stream` body.
///
/// # Errors
/// 415, 413, 408, or 400 when the body breaks off.
pub async fn read_octets(
    request: &HttpRequest,
    payload: Payload,
    limits: BodyLimits,
) -> Result<Bytes, ApiError> {
    check_media_type(request)?;
    let too_large = ApiError::BodyTooLarge {
        limit: limits.bytes,
    };
    if declared_length(request).is_some_and(|length| length > limits.bytes as u64) {
        return Err(too_large);
    }
    match timeout(limits.time, payload.to_bytes_limited(limits.bytes)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(_))) => Err(ApiError::BodyIncomplete),
        Ok(Err(_)) => Err(too_large),
        Err(_) => Err(ApiError::BodyTimeout {
            seconds: limits.time.as_secs(),
        }),
    }
}

fn check_media_type(request: &HttpRequest) -> Result<(), ApiError> {
    let header = |name| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap_or("?"))
    };
    let encoding = header(header::CONTENT_ENCODING).unwrap_or("identity");
    if !encoding.eq_ignore_ascii_case("identity") {
        return Err(ApiError::UnsupportedMediaType {
            found: quote(encoding),
        });
    }
    let Some(found) = header(header::CONTENT_TYPE) else {
        return Err(ApiError::UnsupportedMediaType {
            found: "of no declared type".to_owned(),
        });
    };
    let essence = found.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(OCTET_STREAM) {
        Ok(())
    } else {
        Err(ApiError::UnsupportedMediaType {
            found: quote(found),
        })
    }
}

/// The length that the headers promise.
pub fn declared_length(request: &HttpRequest) -> Option<u64> {
    request
        .headers()
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}
