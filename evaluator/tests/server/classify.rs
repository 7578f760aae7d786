//! The way of a ciphertext, with keys and ciphertexts that have the right form and mean nothing:
//! what the numbers are is tested where there is a secret key.

use actix_web::http::{StatusCode, header};
use shared::api::{KeySpec, ModelInfo, OCTET_STREAM, SessionInfo, SwitchingKeySpec};
use shared::ring::Level;
use shared::wire::read_reply;

use super::app::{TestServer, get, limits, octets};
use super::material::{input, input_at, key_pieces};
use super::problems::check_problem;

/// A key that is of use at the end of a circuit only.
const LOWEST: SwitchingKeySpec = SwitchingKeySpec {
    level: Level(0),
    digit_primes: 1,
};

struct Classification {
    server: TestServer,
    model: ModelInfo,
}

impl Classification {
    async fn new() -> Self {
        let mut limits = limits();
        limits.key_body.bytes = 16 << 20;
        limits.input_body.bytes = 1 << 20;
        let server = TestServer::with_limits(limits);
        let reply = server.call(get("/api/v1/models/one")).await;
        let model = serde_json::from_slice(&reply.body).expect("info");
        Self { server, model }
    }

    /// Uploads keys of this form and returns the address to classify at.
    async fn open(&self, spec: &KeySpec) -> String {
        let keys = key_pieces(spec, &self.server.ring).concat();
        let reply = self.server.call(octets("/api/v1/sessions", keys)).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        let session: SessionInfo = serde_json::from_slice(&reply.body).expect("info");
        format!("/api/v1/sessions/{}/classify?model=one", session.id)
    }

    fn input(&self) -> Vec<u8> {
        input(&self.model, &self.server.ring)
    }

    async fn check_keys(&self, spec: &KeySpec, kind: &str, contains: &str) {
        let address = self.open(spec).await;
        let reply = self.server.call(octets(&address, self.input())).await;
        check_problem(&reply, 422, kind, contains);
    }
}

#[actix_web::test]
async fn a_ciphertext_comes_back() {
    let it = Classification::new().await;
    let address = it.open(&it.model.keys).await;
    let reply = it.server.call(octets(&address, it.input())).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header(header::CONTENT_TYPE), OCTET_STREAM);
    assert_eq!(reply.header(header::CACHE_CONTROL), "no-store");
    let timing = reply
        .header("server-timing")
        .strip_prefix("evaluate;dur=")
        .expect("a duration");
    assert!(
        timing
            .parse::<f64>()
            .is_ok_and(|milliseconds| milliseconds > 0.0),
        "{timing}"
    );
    let output = &it.model.output;
    let ciphertext = read_reply(&reply.body, &output.packing, &it.server.ring).expect("a reply");
    assert_eq!(ciphertext.log_modulus, output.log_modulus);
    let metrics = it.server.call(get("/metrics")).await;
    let count = "inkveil_evaluation_seconds_count{model=\"one\"} 1";
    assert!(
        metrics.text().lines().any(|line| line == count),
        "{}",
        metrics.text()
    );
}

#[actix_web::test]
async fn a_session_serves_many_ciphertexts() {
    let it = Classification::new().await;
    let address = it.open(&it.model.keys).await;
    for _ in 0..3 {
        assert_eq!(
            it.server.call(octets(&address, it.input())).await.status,
            StatusCode::OK
        );
    }
    assert_eq!(it.server.app.keys().held().sweep().held, 1);
}

#[actix_web::test]
async fn a_missing_rotation_key_is_named() {
    let it = Classification::new().await;
    let mut spec = it.model.keys.clone();
    let missing = spec.rotations.pop().expect("the circuit rotates").step;
    let detail = format!("the key for rotations by {missing} was not uploaded");
    it.check_keys(&spec, "missing-key", &detail).await;
}

#[actix_web::test]
async fn a_missing_relinearization_key_is_named() {
    let it = Classification::new().await;
    let spec = KeySpec {
        relinearization: None,
        ..it.model.keys.clone()
    };
    it.check_keys(&spec, "missing-key", "the relinearization key was not")
        .await;
}

#[actix_web::test]
async fn a_key_of_another_level_is_named() {
    let it = Classification::new().await;
    let mut spec = it.model.keys.clone();
    let rotation = spec
        .rotations
        .iter_mut()
        .find(|rotation| rotation.key.level > LOWEST.level);
    let rotation = rotation.expect("the circuit rotates at a level above the lowest");
    let needed = std::mem::replace(&mut rotation.key, LOWEST).level.0;
    let detail = format!(
        "the key for rotations by {} was made for level 0, it is needed at level {needed}",
        rotation.step
    );
    it.check_keys(&spec, "key-level-wrong", &detail).await;
}

#[actix_web::test]
async fn a_key_of_large_digits_is_named() {
    let it = Classification::new().await;
    let mut spec = it.model.keys.clone();
    spec.rotations[0].key.digit_primes += 1;
    let detail = "primes; the model takes";
    it.check_keys(&spec, "key-digits-too-large", detail).await;
}

#[actix_web::test]
async fn an_input_of_another_level_or_scale_is_refused() {
    let it = Classification::new().await;
    let address = it.open(&it.model.keys).await;
    let (level, scale) = (it.model.input.level, it.model.input.scale);
    for body in [
        input_at(Level(0), scale, &it.server.ring),
        input_at(level, 2.0 * scale, &it.server.ring),
    ] {
        let reply = it.server.call(octets(&address, body)).await;
        check_problem(&reply, 422, "wrong-input", "the model takes level");
    }
}

#[actix_web::test]
async fn an_input_is_as_long_as_the_models_message() {
    let it = Classification::new().await;
    let address = it.open(&it.model.keys).await;
    let mut body = it.input();
    body.push(0);
    let reply = it.server.call(octets(&address, body)).await;
    check_problem(&reply, 400, "trailing-bytes", "1 bytes after its end");
}

#[actix_web::test]
async fn keys_larger_than_the_store() {
    let mut limits = limits();
    limits.key_body.bytes = 16 << 20;
    limits.sessions.all.bytes = 1000;
    let server = TestServer::with_limits(limits);
    let spec = KeySpec {
        relinearization: Some(LOWEST),
        ..KeySpec::default()
    };
    let reply = server
        .call(octets(
            "/api/v1/sessions",
            key_pieces(&spec, &server.ring).concat(),
        ))
        .await;
    check_problem(
        &reply,
        413,
        "keys-too-large",
        "the evaluator holds at most 1000",
    );
    assert_eq!(server.app.keys().held().sweep().held, 0);
}
