//! The first layers of a model, where the service allows it.

use std::sync::Arc;

use actix_web::http::StatusCode;
use evaluator::server::Limits;
use evaluator::server::prefixes::{MOST, Prefixes};
use shared::api::{LayerRange, ModelInfo, SessionInfo};
use shared::packing::OutputPacking;
use shared::wire::{MessageKind, read_reply, write_header};

use super::app::{Reply, TestServer, get, limits, octets};
use super::material::{input, key_pieces};
use super::problems::check_problem;

fn roomy() -> Limits {
    let mut limits = limits();
    limits.queue.places = 4;
    limits.inputs = 4;
    limits.key_body.bytes = 64 << 20;
    limits.input_body.bytes = 1 << 20;
    limits
}

fn server() -> TestServer {
    TestServer::with_layer_ranges(roomy())
}

async fn describe(server: &TestServer, model: &str, layers: &str) -> Reply {
    let address = format!("/api/v1/models/{model}?layers={layers}");
    server.call(get(&address)).await
}

async fn info(server: &TestServer, model: &str, layers: &str) -> ModelInfo {
    let reply = describe(server, model, layers).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    serde_json::from_slice(&reply.body).expect("info")
}

#[actix_web::test]
async fn a_description_is_of_the_layers_asked_for() {
    let server = server();
    for (layers, values) in [("0..1", 8), ("0..2", 8), ("0..3", 3)] {
        let info = info(&server, "one", layers).await;
        assert_eq!(info.id, "one");
        assert_eq!(info.layers, layers.parse::<LayerRange>().ok());
        assert_eq!(info.output.classes.len(), values, "{layers}");
        assert_eq!(info.output.packing.classes(), values, "{layers}");
        assert_eq!(info.bulk, None);
    }
    let reply = server.call(get("/api/v1/models/one")).await;
    let whole: ModelInfo = serde_json::from_slice(&reply.body).expect("info");
    assert_eq!(whole.layers, None);
    let text = reply.text();
    assert!(!text.contains("layers"), "{text}");
}

#[actix_web::test]
async fn the_values_of_the_layers_come_back() {
    let server = server();
    for layers in ["0..1", "0..2", "0..3"] {
        let model = info(&server, "one", layers).await;
        let catalogue = server.app.catalogue();
        let prefixes = catalogue.prefixes().expect("allowed");
        let range = layers.parse().expect("a range");
        let circuit = prefixes.circuit(server.app.pool(), "one", range).await;
        let ring = Arc::clone(circuit.expect("compiled").ring());
        let keys = key_pieces(&model.keys, &ring).concat();
        let reply = server.call(octets("/api/v1/sessions", keys)).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        let session: SessionInfo = serde_json::from_slice(&reply.body).expect("info");
        let address = format!(
            "/api/v1/sessions/{}/classify?model=one&layers={layers}",
            session.id
        );
        let reply = server.call(octets(&address, input(&model, &ring))).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let output = &model.output;
        let message = read_reply(&reply.body, &output.packing, &ring).expect("a reply");
        assert_eq!(message.log_modulus, output.log_modulus);
        if let OutputPacking::Slots(_) = output.packing {
            assert_eq!(message.parts[0].c0.len(), ring.degree());
        }
    }
    let metrics = server.call(get("/metrics")).await;
    assert!(
        !metrics.text().contains("model=\"one\""),
        "a part is no evaluation of the model"
    );
}

#[actix_web::test]
async fn a_service_of_whole_models_says_how_to_allow_it() {
    let server = TestServer::with_limits(roomy());
    let reply = describe(&server, "one", "0..1").await;
    let detail = "started with --allow-layer-ranges";
    check_problem(&reply, 403, "layers-not-allowed", detail);
    let id = server.open_session().await.id;
    let address = format!("/api/v1/sessions/{id}/classify?model=one&layers=0..1");
    let reply = server.call(octets(&address, "")).await;
    check_problem(&reply, 403, "layers-not-allowed", detail);
}

#[actix_web::test]
async fn ranges_that_can_not_be() {
    let server = server();
    for (layers, steps) in [("0..4", 3), ("1..2", 3), ("0..99999", 3)] {
        let reply = describe(&server, "one", layers).await;
        let detail = format!("it has {steps} steps, and a range begins with the first");
        check_problem(&reply, 400, "bad-layers", &detail);
    }
    let reply = describe(&server, "two", "0..6").await;
    check_problem(&reply, 400, "bad-layers", "0..1 to 0..5 are possible");
    for layers in [
        "",
        "3",
        "0..0",
        "2..1",
        "-1..2",
        "a..b",
        "0..99999999999999999999",
    ] {
        let reply = describe(&server, "one", layers).await;
        check_problem(&reply, 400, "bad-query", "is no range of layers");
    }
    let reply = describe(&server, "three", "0..1").await;
    check_problem(&reply, 404, "unknown-model", "no model is called \"three\"");
    let catalogue = server.app.catalogue();
    assert_eq!(catalogue.prefixes().map(Prefixes::held), Some(0));
}

#[actix_web::test]
async fn bulk_requests_take_no_layers() {
    let server = server();
    let id = server.open_session().await.id;
    let address = format!("/api/v1/sessions/{id}/classify-bulk?model=one&layers=0..1");
    let reply = server.call(octets(&address, "")).await;
    check_problem(&reply, 400, "bad-query", "bulk requests take no layers");
}

#[actix_web::test]
async fn requests_at_the_same_time_compile_once() {
    let server = server();
    let (catalogue, pool) = (server.app.catalogue(), server.app.pool());
    let prefixes = catalogue.prefixes().expect("allowed");
    let range = LayerRange::new(0, 2).expect("a range");
    let requests = [(); 3].map(|()| {
        let app = server.app.clone();
        actix_web::rt::spawn(async move {
            let catalogue = app.catalogue();
            let prefixes = catalogue.prefixes().expect("allowed");
            prefixes.circuit(app.pool(), "two", range).await
        })
    });
    let mut circuits = Vec::new();
    for request in requests {
        circuits.push(request.await.expect("ended").expect("compiled"));
    }
    assert!(circuits.iter().all(|one| Arc::ptr_eq(one, &circuits[0])));
    assert_eq!(prefixes.held(), 1);
    let again = prefixes.circuit(pool, "two", range).await.expect("kept");
    assert!(Arc::ptr_eq(&circuits[0], &again));
}

#[actix_web::test]
async fn the_circuits_used_last_are_kept() {
    let server = server();
    let (catalogue, pool) = (server.app.catalogue(), server.app.pool());
    let prefixes = catalogue.prefixes().expect("allowed");
    let circuit = async |model: &str, end| {
        let range = LayerRange::new(0, end).expect("a range");
        prefixes
            .circuit(pool, model, range)
            .await
            .expect("compiled")
    };
    let first = circuit("one", 1).await;
    let second = circuit("one", 2).await;
    let others = [
        ("one", 3),
        ("two", 1),
        ("two", 2),
        ("two", 3),
        ("two", 4),
        ("two", 5),
    ];
    assert_eq!(others.len() + 2, MOST);
    for (model, end) in others {
        circuit(model, end).await;
    }
    assert!(Arc::ptr_eq(&first, &circuit("one", 1).await));
    assert_eq!(prefixes.held(), MOST);
    // One more than there is room for takes the place of the second.
    circuit("three", 1).await;
    assert_eq!(prefixes.held(), MOST);
    assert!(Arc::ptr_eq(&first, &circuit("one", 1).await));
    assert!(!Arc::ptr_eq(&second, &circuit("one", 2).await));
}

#[actix_web::test]
async fn keys_for_layers_of_another_parameter_set_are_taken() {
    let server = server();
    let model = info(&server, "two", "0..1").await;
    let range = LayerRange::new(0, 1).expect("a range");
    let catalogue = server.app.catalogue();
    let prefixes = catalogue.prefixes().expect("allowed");
    let circuit = prefixes.circuit(server.app.pool(), "two", range).await;
    let ring = Arc::clone(circuit.expect("compiled").ring());
    let keys = key_pieces(&model.keys, &ring).concat();
    let reply = server.call(octets("/api/v1/sessions", keys)).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    let none = write_header(MessageKind::EvaluationKeys, &ring);
    assert_eq!(none[8..16], ring.parameters().fingerprint().to_le_bytes());
}
