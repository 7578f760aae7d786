//! Reading a request's body within a size and a time.
//!
//! Knows lengths and headers; doesn't know what the bytes mean.
//!
//! **Invariant:** never more than the limit is kept in memory, whatever the headers promise, and a
//! sender that stalls is let go.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt;
use shared::api::OCTET_STREAM;
use tokio::time::timeout;

use super::problem::{ApiError, quote};

/// Most memory that is taken for a body before it comes.
const MOST_AHEAD: usize = 64 << 10;

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
    let expected = declared_length(request).map_or(0, |length| length.min(limits.bytes as u64));
    // Promised isn't sent: a large body grows as it comes.
    let mut body = BytesMut::with_capacity(MOST_AHEAD.min(expected as usize));
    let collect = |part: &[u8]| {
        body.extend_from_slice(part);
        Ok(())
    };
    read_octets_with(request, payload, limits, collect).await?;
    Ok(body.freeze())
}

/// As [`read_octets`], but hands each part to `read` when it comes.
///
/// # Errors
/// As [`read_octets`], and the first of `read`: nothing behind it is received.
pub async fn read_octets_with(
    request: &HttpRequest,
    mut payload: Payload,
    limits: BodyLimits,
    mut read: impl FnMut(&[u8]) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    check_media_type(request)?;
    let too_large = || ApiError::BodyTooLarge {
        limit: limits.bytes,
    };
    if declared_length(request).is_some_and(|length| length > limits.bytes as u64) {
        return Err(too_large());
    }
    let receive = async {
        let mut left = limits.bytes;
        while let Some(part) = payload.next().await {
            let part = part.map_err(|_| ApiError::BodyIncomplete)?;
            left = left.checked_sub(part.len()).ok_or_else(too_large)?;
            read(&part)?;
        }
        Ok(())
    };
    let late = |_| ApiError::BodyTimeout {
        seconds: limits.time.as_secs(),
    };
    timeout(limits.time, receive).await.map_err(late)?
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
