//! What the page may do: its content security policy and its permissions policy.
//!
//! trunk starts the page with an inline module script. Instead of allowing inline scripts, each
//! one that stands in `index.html` is allowed by its SHA-256.

use std::sync::LazyLock;

use actix_web::http::header::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// What a page can ask a browser for and this one doesn't: sensors, devices, payments, tracking.
/// Names that Chromium doesn't know would be errors in its console.
const UNUSED_FEATURES: [&str; 30] = [
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "compute-pressure",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "identity-credentials-get",
    "idle-detection",
    "keyboard-map",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "otp-credentials",
    "payment",
    "picture-in-picture",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "sync-xhr",
    "usb",
    "window-management",
    "xr-spatial-tracking",
];

/// Switches off, for the page and all that it might ever embed, whatever it doesn't use.
#[must_use]
pub fn permissions() -> HeaderValue {
    static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
        let denials = UNUSED_FEATURES.map(|feature| format!("{feature}=()"));
        // Names are lower-case words and hyphens, so the whole is always a valid header.
        HeaderValue::from_str(&denials.join(", ")).unwrap_or(HeaderValue::from_static("camera=()"))
    });
    POLICY.clone()
}

/// The policy for the page with this `index.html`.
#[must_use]
pub fn for_index(index: &str) -> HeaderValue {
    // Hashes are base64, so the whole is always a valid header; without it, nothing may load.
    HeaderValue::from_str(&policy(index)).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

fn policy(index: &str) -> String {
    let scripts = hashes(index, "script");
    let styles = hashes(index, "style");
    [
        "default-src 'none'".to_owned(),
        "connect-src 'self'".to_owned(),
        "manifest-src 'self'".to_owned(),
        format!("script-src 'self' 'wasm-unsafe-eval'{scripts}"),
        "worker-src 'self'".to_owned(),
        format!("style-src 'self'{styles}"),
        "img-src 'self' data: blob:".to_owned(),
        "object-src 'none'".to_owned(),
        "base-uri 'self'".to_owned(),
        "form-action 'none'".to_owned(),
        "frame-ancestors 'none'".to_owned(),
    ]
    .join("; ")
}

/// One source expression for each inline element of this name.
fn hashes(index: &str, name: &str) -> String {
    // Browsers hash what the HTML parser sees, where line ends are always `\n`.
    let index = index.replace("\r\n", "\n").replace('\r', "\n");
    let hash = |body: &str| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(body)));
    inline_bodies(&index, name).into_iter().map(hash).collect()
}

/// The text of every element of this name that has any.
fn inline_bodies<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    // ASCII lower-casing keeps every byte's position.
    let lower = html.to_ascii_lowercase();
    let (open, close) = (format!("<{name}"), format!("</{name}"));
    let mut bodies = Vec::new();
    let mut at = 0;
    while let Some(start) = find(&lower, &open, at) {
        let Some(end_of_tag) = find(&lower, ">", start) else {
            break;
        };
        let Some(end) = find(&lower, &close, end_of_tag) else {
            break;
        };
        let is_element = lower[start + open.len()..]
            .starts_with(|next: char| next == '>' || next.is_ascii_whitespace());
        let body = &html[end_of_tag + 1..end];
        if is_element && !body.is_empty() {
            bodies.push(body);
        }
        at = end;
    }
    bodies
}

fn find(text: &str, part: &str, from: usize) -> Option<usize> {
    text.get(from..)?.find(part).map(|offset| from + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash is `printf '%s' 'alert(1)' | openssl dgst -sha256 -binary | base64`.
    const ALERT: &str = "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='";

    #[track_caller]
    fn check_scripts(html: &str, expected: &[&str]) {
        assert_eq!(inline_bodies(html, "script"), expected, "{html}");
    }

    #[test]
    fn inline_scripts_are_found() {
        check_scripts("", &[]);
        check_scripts("<p>script</p>", &[]);
        check_scripts("<script src=a.js></script><script>b</script>", &["b"]);
        check_scripts(
            "<SCRIPT type=\"module\">\nimport 'é';\n</Script >",
            &["\nimport 'é';\n"],
        );
        check_scripts("<scripted>x</scripted><script>y", &[]);
        check_scripts("<script", &[]);
    }

    #[test]
    fn inline_scripts_are_allowed_by_hash_and_others_are_not() {
        let policy = policy("<script>alert(1)</script><style>a{}</style>");
        assert!(
            policy.contains(&format!("script-src 'self' 'wasm-unsafe-eval' {ALERT};")),
            "{policy}"
        );
        assert!(policy.contains("style-src 'self' 'sha256-"), "{policy}");
        assert!(!policy.contains("script-src 'unsafe-inline'"), "{policy}");
    }

    #[test]
    fn line_ends_are_hashed_as_browsers_see_them() {
        let unix = policy("<script>a\nb</script>");
        assert_eq!(policy("<script>a\r\nb</script>"), unix);
        assert_eq!(policy("<script>a\rb</script>"), unix);
    }
}
