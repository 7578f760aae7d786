//! Several ciphertexts in one request.

use std::net::IpAddr;
use std::sync::OnceLock;

use actix_web::http::StatusCode;
use proptest::prelude::*;
use shared::api::{ModelInfo, SessionInfo};
use shared::wire::{
    MAX_BATCH, MessageKind, read_batch, read_input, read_reply, write_batch, write_header,
};

use evaluator::server::address::ClientAddress;

use super::app::{Reply, TestServer, circuit, get, limits, octets};
use super::material::{input, key_pieces};
use super::problems::check_problem;

/// A session whose keys serve the model `one`.
struct Session {
    server: TestServer,
    model: ModelInfo,
    address: String,
}

impl Session {
    async fn open(inputs: usize) -> Self {
        let mut limits = limits();
        limits.threads = 2;
        limits.key_body.bytes = 16 << 20;
        limits.input_body.bytes = 16 << 20;
        limits.inputs = inputs;
        let server = TestServer::with_limits(limits);
        let reply = server.call(get("/api/v1/models/one")).await;
        let model: ModelInfo = serde_json::from_slice(&reply.body).expect("info");
        let keys = key_pieces(&model.keys, &server.ring).concat();
        let reply = server.call(octets("/api/v1/sessions", keys)).await;
        let session: SessionInfo = serde_json::from_slice(&reply.body).expect("info");
        let address = format!("/api/v1/sessions/{}/classify?model=one", session.id);
        Self {
            server,
            model,
            address,
        }
    }

    fn inputs(&self, count: usize) -> Vec<Vec<u8>> {
        vec![input(&self.model, &self.server.ring); count]
    }

    async fn send(&self, body: Vec<u8>) -> Reply {
        // What a failed batch had under way keeps its place until it has ended.
        while self.server.app.pool().in_flight() > 0 {
            actix_web::rt::task::yield_now().await;
        }
        self.server.call(octets(&self.address, body)).await
    }

    async fn send_batch(&self, inputs: &[Vec<u8>]) -> Reply {
        let batch = write_batch(inputs, &self.server.ring).expect("fits");
        self.send(batch).await
    }

    async fn evaluations(&self) -> String {
        let metrics = self.server.call(get("/metrics")).await;
        let prefix = "inkveil_evaluation_seconds_count{model=\"one\"} ";
        let mut lines = metrics.text().lines();
        let count = lines.find_map(|line| line.strip_prefix(prefix));
        count.unwrap_or("0").to_owned()
    }
}

#[actix_web::test]
async fn every_digit_gets_the_reply_it_gets_alone() {
    let it = Session::open(MAX_BATCH).await;
    let alone = it.send(it.inputs(1).remove(0)).await.body;
    read_reply(&alone, &it.model.output.packing, &it.server.ring).expect("a reply");
    for (count, evaluations) in [(1, "2"), (2, "4"), (MAX_BATCH, "68")] {
        let mut inputs = it.inputs(count);
        // Another seed is another ciphertext.
        inputs[count - 1][30] ^= u8::from(count > 1);
        let reply = it.send_batch(&inputs).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let timing = reply.header("server-timing");
        assert!(timing.starts_with("evaluate;dur="), "{timing}");
        let replies = read_batch(&reply.body, &it.server.ring).expect("a batch");
        let same: Vec<bool> = replies.map(|reply| reply == alone).collect();
        let mut expected = vec![true; count];
        expected[count - 1] = count == 1;
        assert_eq!(same, expected);
        assert_eq!(it.evaluations().await, evaluations);
    }
}

#[actix_web::test]
async fn batches_of_none_or_too_many() {
    let it = Session::open(MAX_BATCH).await;
    let mut batch = write_batch(&it.inputs(1), &it.server.ring).expect("fits");
    for count in [0, 65] {
        batch[16] = count;
        let detail = format!("a batch holds 1 to 64 messages, this one {count}");
        check_problem(
            &it.send(batch.clone()).await,
            400,
            "malformed-body",
            &detail,
        );
    }
    batch[16] = 64;
    let detail = "bytes are not 64 messages of the same length";
    check_problem(&it.send(batch).await, 400, "malformed-body", detail);
    let mut full = write_batch(&it.inputs(MAX_BATCH), &it.server.ring).expect("fits");
    let detail = format!("larger than the {} bytes", full.len());
    full.push(0);
    check_problem(&it.send(full).await, 413, "body-too-large", &detail);
    assert_eq!(it.evaluations().await, "0");
}

#[actix_web::test]
async fn a_bad_digit_is_named() {
    let it = Session::open(MAX_BATCH).await;
    let check = async |damage: fn(&mut Vec<u8>), status, kind, detail| {
        let mut inputs = it.inputs(3);
        damage(&mut inputs[1]);
        let reply = it.send_batch(&inputs).await;
        check_problem(&reply, status, kind, detail);
    };
    check(
        |input| input[57..].fill(0xff),
        400,
        "residue-out-of-range",
        "digit 2 of 3: residue 0 of the ciphertext is",
    )
    .await;
    check(
        |input| input[6] = MessageKind::Reply as u8,
        400,
        "wrong-message",
        "digit 2 of 3: message is of kind 2, expected 1",
    )
    .await;
    check(
        |input| input[8] ^= 1,
        400,
        "wrong-parameter-set",
        "digit 2 of 3: message was made for",
    )
    .await;
    check(
        |input| input[24] ^= 1, // In the scale.
        422,
        "wrong-input",
        "digit 2 of 3: input has level",
    )
    .await;
    let mut inputs = it.inputs(3);
    let last = inputs[0].len() - 1;
    inputs.iter_mut().for_each(|input| input.truncate(last));
    let reply = it.send_batch(&inputs).await;
    check_problem(&reply, 400, "truncated-body", "digit 1 of 3: message is");
}

#[actix_web::test]
async fn a_batch_in_a_batch() {
    let it = Session::open(MAX_BATCH).await;
    let inner = write_batch(&it.inputs(1), &it.server.ring).expect("fits");
    let detail = "digit 1 of 1: message is of kind 5, expected 1";
    check_problem(&it.send_batch(&[inner]).await, 400, "wrong-message", detail);
}

#[actix_web::test]
async fn keys_that_are_missing_are_no_digits_fault() {
    let mut it = Session::open(MAX_BATCH).await;
    let id = it.server.open_session().await.id;
    it.address = format!("/api/v1/sessions/{id}/classify?model=one");
    let reply = it.send_batch(&it.inputs(2)).await;
    check_problem(&reply, 422, "missing-key", "");
    assert!(!reply.text().contains("digit"), "{}", reply.text());
}

/// Somebody else.
fn stranger() -> ClientAddress {
    IpAddr::from([192, 0, 2, 1]).into()
}

#[actix_web::test]
async fn a_batch_counts_as_many_inputs_as_it_may_hold() {
    let it = Session::open(MAX_BATCH).await;
    let (few, many) = (it.inputs(2), it.inputs(MAX_BATCH));
    let stalled = it
        .server
        .app
        .hold_inputs(stranger(), MAX_BATCH - 1)
        .expect("places");
    for (inputs, status) in [(&few[..1], 200), (&few, 503), (&many, 503)] {
        assert_eq!(it.send_batch(inputs).await.status, status);
    }
    drop(stalled);
    assert_eq!(it.send_batch(&many).await.status, StatusCode::OK);
    // With few places, a batch is taken when nothing else is there.
    let it = Session::open(2).await;
    assert_eq!(it.send_batch(&it.inputs(3)).await.status, StatusCode::OK);
}

/// A batch of the model `one`, and the length of its inputs.
fn batch() -> &'static (evaluator::circuit::Circuit, Vec<u8>) {
    static BATCH: OnceLock<(evaluator::circuit::Circuit, Vec<u8>)> = OnceLock::new();
    BATCH.get_or_init(|| {
        let one = circuit("one", 1);
        let input = input(one.info(), one.ring());
        let batch = write_batch(&vec![input; 3], one.ring()).expect("fits");
        (one, batch)
    })
}

fn read_all(batch: &[u8], one: &evaluator::circuit::Circuit) -> bool {
    let messages = read_batch(batch, one.ring());
    messages
        .is_ok_and(|mut messages| messages.all(|message| read_input(message, one.ring()).is_ok()))
}

proptest! {
    /// Cut anywhere, a batch is never accepted.
    #[test]
    fn every_cut_of_a_batch_is_noticed(at in any::<prop::sample::Index>()) {
        let (one, batch) = batch();
        prop_assert!(read_all(batch, one));
        prop_assert!(!read_all(&batch[..at.index(batch.len())], one));
    }

    /// With a byte changed, a batch is refused, or it is another batch: never a panic.
    #[test]
    fn changed_bytes_of_a_batch_never_panic(
        at in any::<prop::sample::Index>(),
        in_front in any::<bool>(),
        change in 1u8..,
    ) {
        let (one, batch) = batch();
        let mut batch = batch.clone();
        let at = at.index(if in_front { 80 } else { batch.len() });
        batch[at] ^= change;
        let read = read_all(&batch, one);
        prop_assert!(!read || at >= 18, "the batch's own fields are canonical");
    }
}

#[test]
fn a_header_alone_is_no_batch() {
    let (one, _) = batch();
    assert!(!read_all(
        &write_header(MessageKind::Batch, one.ring()),
        one
    ));
}
