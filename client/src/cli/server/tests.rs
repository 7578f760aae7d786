//! What is said of answers that aren't wanted, and when to ask again.

use ureq::http::HeaderName;

use super::*;

#[test]
fn names_are_one_part_of_an_address() {
    assert_eq!(escape("mnist-fast_1.2~"), "mnist-fast_1.2~");
    assert_eq!(escape("../a b?ü&"), "..%2Fa%20b%3F%C3%BC%26");
}

#[track_caller]
fn check_address(address: &str, base: Option<&str>) {
    let expected = base.map(str::to_owned);
    let expected = expected.ok_or(ServerError::Address {
        address: address.to_owned(),
    });
    let server = Server::new(address, None);
    assert_eq!(server.map(|server| server.base), expected);
}

#[test]
fn addresses() {
    check_address("http://127.0.0.1:8080", Some("http://127.0.0.1:8080"));
    check_address(
        "https://ink.example/below//",
        Some("https://ink.example/below"),
    );
    check_address("ink.example", None);
    check_address("ftp://ink.example", None);
    check_address("http://", None);
    check_address("http://ink.example?x=1", None);
    check_address("/models", None);
    check_address("", None);
}

fn reply(status: u16, header: Option<(HeaderName, &'static str)>, body: &[u8]) -> Reply {
    let mut headers = HeaderMap::new();
    headers.extend(header.map(|(name, value)| (name, value.parse().unwrap())));
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: body.to_vec(),
        time: Duration::ZERO,
    }
}

#[test]
fn refusals_keep_their_reason() {
    let server = Server::new("http://a", None).unwrap();
    let gone = br#"{"type":"/problems/session-gone","title":"Gone","status":410,"detail":"x"}"#;
    let gone = server.refusal(&reply(410, None, gone));
    assert!(gone.is_session_gone());
    assert_eq!(gone.to_string(), "http://a refused: Gone (410): x");
    let strange = server.refusal(&reply(404, None, b"<html>"));
    assert!(!strange.is_session_gone());
    let expected = "http://a answered 404 without a reason; is it an Inkveil evaluator?";
    assert_eq!(strange.to_string(), expected);
    let moved = server.refusal(&reply(301, Some((header::LOCATION, "https://a/")), b""));
    assert_eq!(
        moved.to_string(),
        "http://a has moved to https://a/; give that address"
    );
}

#[test]
fn a_private_server_says_how_to_give_a_token() {
    let refusal = |token: Option<&str>| {
        let token = token.map(|token| token.parse().unwrap());
        let server = Server::new("http://a", token).unwrap();
        let problem = br#"{"type":"/problems/unauthorized","title":"x","status":401,"detail":"y"}"#;
        server.refusal(&reply(401, None, problem)).to_string()
    };
    assert_eq!(
        refusal(None),
        "http://a is private; give the token that its host gave you with --token or INKVEIL_TOKEN"
    );
    let refused = refusal(Some("abc"));
    let expected = "http://a refused the token; give one that its host gave you with --token or \
                    INKVEIL_TOKEN";
    assert_eq!(refused, expected);
}

/// What is said of request number `attempt` that met with this, and the pause before the next.
#[track_caller]
fn check_setback(
    attempt: u32,
    (status, retry_after, body): (u16, Option<&'static str>, &str),
    says: &str,
    pause_ms: Option<u64>,
) {
    let server = Server::new("http://a", None).unwrap();
    let header = retry_after.map(|seconds| (header::RETRY_AFTER, seconds));
    let (error, pause) = server.setback(attempt, &reply(status, header, body.as_bytes()));
    assert_eq!(error.to_string(), format!("http://a {says}"));
    assert_eq!(pause, pause_ms.map(Duration::from_millis), "{says}");
}

#[test]
fn who_is_asked_to_wait_for_long_is_told_why_and_how_long() {
    let sessions = r#"{"type":"/problems/too-many-sessions","title":"Too many sessions",
        "status":429,"detail":"this address holds 1000"}"#;
    let many = |seconds| (429, Some(seconds), sessions);
    let says = "refused: Too many sessions (429): this address holds 1000; try again in";
    check_setback(1, many("20"), &format!("{says} 20 s"), Some(20_000));
    check_setback(1, many("600"), &format!("{says} 10 minutes"), None);
    check_setback(1, many("86400"), &format!("{says} 24 hours"), None);
    let busy = "is busy (503), 5 times in a row; try again";
    check_setback(5, (503, Some("1"), ""), &format!("{busy} in 1 s"), None);
    check_setback(5, (503, None, "<html>"), &format!("{busy} later"), None);
}

#[test]
fn what_found_nobody_is_asked_again_soon_and_other_refusals_are_not() {
    for status in [502, 504] {
        let says = format!("can't be reached: something in between answers {status}");
        check_setback(1, (status, None, "<html>"), &says, Some(500));
        check_setback(3, (status, None, ""), &says, None);
    }
    let refused = "answered 500 without a reason; is it an Inkveil evaluator?";
    check_setback(1, (500, None, ""), refused, None);
}

#[test]
fn a_server_that_has_answered_is_waited_for_longer() {
    let server = Server::new("http://a", None).unwrap();
    let pauses = || {
        (1..)
            .map_while(|attempt| server.pause_unanswered(attempt))
            .count()
    };
    assert_eq!(pauses(), 2);
    server.setback(1, &reply(404, None, b""));
    assert_eq!(pauses(), 4);
}
