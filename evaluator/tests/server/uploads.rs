//! Evaluation keys in parts.

use actix_web::http::{Method, StatusCode, header};
use shared::api::{ModelInfo, SessionInfo, UploadInfo};
use shared::wire::{KEYS_HEADER_LEN, key_len, write_keys_header};

use super::app::{Reply, TestServer, get, limits, octets, request};
use super::material::{input, key_pieces};
use super::problems::check_problem;

const UNHELD: &str = "/api/v1/uploads/00000000000000000000000000000000";

struct Upload {
    server: TestServer,
    model: ModelInfo,
    /// The header, then one key each.
    pieces: Vec<Vec<u8>>,
    address: String,
}

impl Upload {
    async fn begin() -> Self {
        let mut limits = limits();
        limits.key_body.bytes = 16 << 20;
        limits.input_body.bytes = 1 << 20;
        Self::begin_with(TestServer::with_limits(limits)).await
    }

    async fn begin_with(server: TestServer) -> Self {
        let reply = server.call(get("/api/v1/models/one")).await;
        let model: ModelInfo = serde_json::from_slice(&reply.body).expect("info");
        let pieces = key_pieces(&model.keys, &server.ring);
        let mut it = Self {
            server,
            model,
            pieces,
            address: String::new(),
        };
        it.again().await;
        it
    }

    /// Begins another upload.
    async fn again(&mut self) {
        let header = octets("/api/v1/uploads", self.pieces[0].clone());
        let reply = self.server.call(header).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        let info: UploadInfo = serde_json::from_slice(&reply.body).expect("info");
        assert_eq!(info.missing_keys, self.count());
        assert_eq!(info.expires_in_s, 60);
        self.address = format!("/api/v1/uploads/{}", info.id);
    }

    fn count(&self) -> u32 {
        self.pieces.len() as u32 - 1
    }

    async fn send(&self, part: Vec<u8>) -> Reply {
        self.server.call(octets(&self.address, part)).await
    }

    /// Sends a part after which keys are missing.
    async fn send_some(&self, part: Vec<u8>, missing: u32) {
        let reply = self.send(part).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let info: UploadInfo = serde_json::from_slice(&reply.body).expect("info");
        assert_eq!(info.missing_keys, missing);
    }

    async fn check_opens(&self, part: Vec<u8>) {
        let reply = self.send(part).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        let session: SessionInfo = serde_json::from_slice(&reply.body).expect("info");
        let location = format!("../sessions/{}", session.id);
        assert_eq!(reply.header(header::LOCATION), location);
        let classify = format!("/api/v1/sessions/{}/classify?model=one", session.id);
        let input = input(&self.model, &self.server.ring);
        let reply = self.server.call(octets(&classify, input)).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let held = self.server.app.keys().parts().sweep();
        assert_eq!((held.held, held.bytes), (0, 0));
    }

    /// Sends a part that ends the upload.
    async fn check_refused(&self, part: Vec<u8>, kind: &str, detail: &str) {
        check_problem(&self.send(part).await, 400, kind, detail);
        let again = self.send(self.pieces[1].clone()).await;
        check_problem(&again, 410, "upload-gone", "begin again with POST uploads");
        let held = self.server.app.keys().parts().sweep();
        assert_eq!((held.held, held.bytes), (0, 0), "nothing is kept");
        assert_eq!(self.server.app.keys().held().sweep().held, 0);
    }
}

#[actix_web::test]
async fn keys_come_one_at_a_time() {
    let it = Upload::begin().await;
    let [_, keys @ .., last] = it.pieces.as_slice() else {
        panic!("the model takes keys");
    };
    for (missing, key) in (1..it.count()).rev().zip(keys) {
        let before = it.server.app.keys().parts().sweep().bytes;
        it.send_some(key.clone(), missing).await;
        let after = it.server.app.keys().parts().sweep().bytes;
        assert!(after > before + key.len() as u64, "each key is counted");
        assert_eq!(it.server.app.keys().held().sweep().held, 0);
    }
    it.check_opens(last.clone()).await;
}

#[actix_web::test]
async fn keys_come_several_at_a_time() {
    let mut it = Upload::begin().await;
    it.send_some(it.pieces[1..3].concat(), it.count() - 2).await;
    it.check_opens(it.pieces[3..].concat()).await;
    it.again().await;
    it.check_opens(it.pieces[1..].concat()).await;
}

#[actix_web::test]
async fn the_length_of_a_key_is_known_before_it_is_made() {
    let it = Upload::begin().await;
    assert_eq!(it.pieces[0].len(), KEYS_HEADER_LEN);
    let keys = &it.model.keys;
    let rotations = keys.rotations.iter().map(|rotation| rotation.key);
    let specs = keys.relinearization.into_iter().chain(keys.conjugation);
    let expected: Vec<_> = specs
        .chain(rotations)
        .map(|spec| key_len(spec.level, spec.digit_primes, &it.server.ring))
        .collect();
    let lengths: Vec<_> = it.pieces[1..].iter().map(Vec::len).collect();
    assert_eq!(lengths, expected);
}

#[actix_web::test]
async fn keys_out_of_order_or_twice_are_named() {
    let mut it = Upload::begin().await;
    let keys = &it.model.keys;
    let second = match keys.conjugation {
        Some(_) => "the conjugation key".to_owned(),
        None => format!("the key for rotations by {}", keys.rotations[0].step),
    };
    let detail = &format!("key 1 is of kind 0 for step 0; after {second} only");
    let swapped = [it.pieces[2].clone(), it.pieces[1].clone()].concat();
    it.check_refused(swapped, "malformed-body", detail).await;
    it.again().await;
    it.send_some(it.pieces[1].clone(), it.count() - 1).await;
    let detail = "key 1 is of kind 0 for step 0; after the relinearization key";
    let twice = it.pieces[1].clone();
    it.check_refused(twice, "malformed-body", detail).await;
}

#[actix_web::test]
async fn parts_that_are_no_keys_are_named() {
    let mut it = Upload::begin().await;
    let count = it.count();
    let detail = format!("key 0 of {count}: 39 bytes needed, 0 left");
    it.check_refused(vec![], "truncated-body", &detail).await;
    it.again().await;
    let cut = it.pieces[1][..1000].to_vec();
    let detail = "truncated in the relinearization key, digit 0";
    it.check_refused(cut, "truncated-body", detail).await;
    it.again().await;
    let mut out_of_range = it.pieces[1].clone();
    out_of_range[39..].fill(0xff);
    let detail = "residue 0 of the relinearization key, digit 0";
    it.check_refused(out_of_range, "residue-out-of-range", detail)
        .await;
    it.again().await;
    let longer = [it.pieces[1..].concat(), vec![0; 3]].concat();
    let detail = "3 bytes after its end";
    it.check_refused(longer, "trailing-bytes", detail).await;
    it.again().await;
    let whole = it.pieces.concat();
    it.check_refused(whole, "malformed-body", "key 0 is of kind 73")
        .await;
}

#[actix_web::test]
async fn beginnings_that_are_none() {
    let it = Upload::begin().await;
    let begin = async |body: Vec<u8>| it.server.call(octets("/api/v1/uploads", body)).await;
    let whole = it.pieces.concat();
    let detail = format!("larger than the {KEYS_HEADER_LEN} bytes");
    check_problem(&begin(whole).await, 413, "body-too-large", &detail);
    let cut = it.pieces[0][..17].to_vec();
    let detail = "truncated in the number of keys";
    check_problem(&begin(cut).await, 400, "truncated-body", detail);
    let mut other = it.pieces[0].clone();
    other[8] ^= 1;
    check_problem(
        &begin(other).await,
        400,
        "wrong-parameter-set",
        "the models here use n12",
    );
    let reply = it.server.call(request(Method::GET, &it.address)).await;
    check_problem(&reply, 405, "method-not-allowed", "it takes POST");
}

#[actix_web::test]
async fn uploads_that_are_not_held() {
    let it = Upload::begin().await;
    let part = || it.pieces[1].clone();
    let reply = it.server.call(octets(UNHELD, part())).await;
    check_problem(&reply, 410, "upload-gone", "begin again");
    let reply = it.server.call(octets("/api/v1/uploads/0", part())).await;
    check_problem(&reply, 404, "malformed-session-id", "");
    // An upload is no session.
    let session = it.address.replace("uploads", "sessions");
    let reply = it.server.call(get(&session)).await;
    check_problem(&reply, 410, "session-gone", "");
    it.send_some(part(), it.count() - 1).await;
    it.server.clock.advance(60);
    check_problem(&it.send(it.pieces[2].clone()).await, 410, "upload-gone", "");
    assert_eq!(it.server.app.keys().parts().sweep().bytes, 0);
}

#[actix_web::test]
async fn uploads_in_parts_are_bounded() {
    let mut limits = limits();
    limits.key_body.bytes = 16 << 20;
    limits.partial_keys.all.count = 1;
    let it = Upload::begin_with(TestServer::with_limits(limits)).await;
    let first = it.address.clone();
    let mut it = it;
    it.again().await;
    let reply = it.server.call(octets(&first, it.pieces[1].clone())).await;
    check_problem(&reply, 410, "upload-gone", "");
    it.send_some(it.pieces[1].clone(), it.count() - 1).await;

    limits.partial_keys.all.bytes = 1000;
    let it = Upload::begin_with(TestServer::with_limits(limits)).await;
    let reply = it.send(it.pieces[1].clone()).await;
    let detail = "the evaluator holds at most 1000";
    check_problem(&reply, 413, "keys-too-large", detail);
    assert_eq!(it.server.app.keys().parts().sweep().held, 0);

    limits.uploads = 0;
    let server = TestServer::with_limits(limits);
    let header = write_keys_header(1, &server.ring);
    let detail = "places for key uploads are taken";
    for address in ["/api/v1/uploads", UNHELD] {
        let reply = server.call(octets(address, header.clone())).await;
        check_problem(&reply, 503, "busy", detail);
    }
}
