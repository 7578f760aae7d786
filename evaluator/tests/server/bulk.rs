//! Many images in one request.

use std::time::Duration;

use actix_web::http::StatusCode;
use shared::api::{BulkSpec, ModelInfo, SessionInfo};
use shared::ciphertext::BulkInput;
use shared::encoding::Scale;
use shared::ring::{Basis, Poly};
use shared::wire::{MessageKind, bulk_input_len, read_bulk_reply, write_bulk_input};

use evaluator::server::Limits;
use evaluator::server::address::ClientAddress;

use super::app::{Reply, TestServer, get, limits, octets};
use super::problems::check_problem;

/// A session without a key: none is needed.
struct Session {
    server: TestServer,
    info: SessionInfo,
    bulk: BulkSpec,
}

impl Session {
    async fn open() -> Self {
        Self::open_within(limits()).await
    }

    async fn open_within(limits: Limits) -> Self {
        let server = TestServer::with_limits(limits);
        let reply = server.call(get("/api/v1/models/one")).await;
        let model: ModelInfo = serde_json::from_slice(&reply.body).expect("info");
        let info = server.open_session().await;
        Self {
            bulk: model.bulk.expect("one square"),
            server,
            info,
        }
    }

    async fn send_to(&self, model: &str, body: Vec<u8>) -> Reply {
        let id = &self.info.id;
        let address = format!("/api/v1/sessions/{id}/classify-bulk?model={model}");
        self.server.call(octets(&address, body)).await
    }

    fn input(&self, scale: f64) -> Vec<u8> {
        let ring = &self.server.ring;
        let c0 = Poly::zero(ring, Basis::Q(self.bulk.level));
        let input = BulkInput {
            c0: vec![c0; self.bulk.inputs.len()],
            seed: [9; 32],
            scale: Scale(scale),
        };
        write_bulk_input(&input, ring)
    }
}

#[actix_web::test]
async fn the_reply_has_three_parts_for_each_class() {
    let it = Session::open().await;
    let reply = it.send_to("one", it.input(it.bulk.scale)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    assert!(reply.header("server-timing").starts_with("evaluate;dur="));
    let reply = read_bulk_reply(&reply.body, 3, &it.server.ring).expect("a reply");
    assert_eq!(reply.log_modulus, it.bulk.log_modulus);
    assert_eq!(reply.scale, Scale(it.bulk.reply_scale));
}

#[actix_web::test]
async fn requests_that_are_none() {
    let it = Session::open().await;
    let good = it.input(it.bulk.scale);
    let count = it.bulk.inputs.len();
    assert_eq!(
        good.len(),
        bulk_input_len(count, it.bulk.level, &it.server.ring)
    );
    let check = async |body, status, kind, detail: &str| {
        check_problem(&it.send_to("one", body).await, status, kind, detail);
    };
    let longer = [&good[..], &[0]].concat();
    let limit = format!("larger than the {} bytes", good.len());
    check(longer, 413, "body-too-large", &limit).await;
    let cut = good[..good.len() - 1].to_vec();
    check(
        cut,
        400,
        "truncated-body",
        "ciphertext 15 of the bulk input",
    )
    .await;
    let mut miscounted = good.clone();
    miscounted[57] = 3;
    let detail = "the bulk input has 3 ciphertexts, the model takes 16";
    check(miscounted, 400, "malformed-body", detail).await;
    let mut no_residue = good.clone();
    no_residue[61..65].fill(0xff);
    let detail = "residue 0 of ciphertext 0 of the bulk input";
    check(no_residue, 400, "residue-out-of-range", detail).await;
    let other = it.server.header(MessageKind::Input);
    check(other, 400, "wrong-message", "kind 1, expected 6").await;
    let scale = it.input(2.0 * it.bulk.scale);
    check(scale, 422, "wrong-input", "fetch the model's description").await;
}

#[actix_web::test]
async fn a_model_without_bulk_says_so() {
    let it = Session::open().await;
    let reply = it.send_to("two", Vec::new()).await;
    check_problem(&reply, 422, "no-bulk", "model two takes no bulk requests");
}

#[actix_web::test]
async fn one_request_too_many_is_turned_away() {
    let it = Session::open().await;
    let place = it
        .server
        .app
        .hold_bulk(ClientAddress::UNKNOWN)
        .expect("a free place");
    let body = it.input(it.bulk.scale);
    let reply = it.send_to("one", body.clone()).await;
    check_problem(
        &reply,
        503,
        "busy",
        "all 1 places for bulk requests are taken",
    );
    drop(place);
    assert_eq!(it.send_to("one", body).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn a_request_that_takes_too_long_ends() {
    let mut limits = limits();
    limits.evaluation = Duration::ZERO;
    let it = Session::open_within(limits).await;
    let reply = it.send_to("one", it.input(it.bulk.scale)).await;
    check_problem(&reply, 503, "evaluation-time", "longer than the 0 s");
    assert_eq!(it.server.app.pool().in_flight(), 0);
}
