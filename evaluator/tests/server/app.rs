//! A service of two small models, and requests to it.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use actix_web::body::to_bytes;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::test::{self, TestRequest};
use actix_web::web::{Bytes, Data};
use evaluator::circuit::Circuit;
use evaluator::network::{Activation, Layer, Matrix, Network, Term, ValueId};
use evaluator::server::catalogue::Catalogue;
use evaluator::server::key_store::KeyStore;
use evaluator::server::page::Page;
use evaluator::server::session::Clock;
use evaluator::server::{App, Limits, configure};
use shared::api::{OCTET_STREAM, Preparation, SessionInfo};
use shared::ring::Ring;
use shared::wire::{write_header, write_keys_header};
use tempfile::TempDir;

pub const INDEX: &str =
    "<!doctype html><title>Inkveil</title><script type=\"module\">go()</script>";
pub const DOCUMENT: &str = "# Security\n\nNobody’s business.\n";
/// What stands beside a file instead of being packed anew; it is sent as it is.
pub const PACKED: &str = "as the build packed it";
pub const SCRIPT: &str = "/client-0123456789abcdef.js";

/// A clock that the test turns.
#[derive(Default)]
pub struct TestClock(AtomicU64);

impl TestClock {
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

fn layer(of: usize, rows: usize, columns: usize, activation: Activation) -> Layer {
    let weights: Vec<f64> = (0..rows * columns)
        .map(|at| (at % 7) as f64 / 16.0)
        .collect();
    Layer {
        name: "dense".to_owned(),
        shape: vec![rows],
        terms: vec![Term {
            of: ValueId(of),
            matrix: Matrix::from_dense(columns, &weights),
        }],
        bias: vec![0.5; rows],
        activation,
    }
}

/// A 4×4 image, so many squares, three classes.
pub fn network(squares: usize) -> Network {
    let hidden = |at| layer(at, 8, if at == 0 { 16 } else { 8 }, Activation::Square);
    let mut layers: Vec<Layer> = (0..squares).map(hidden).collect();
    layers.push(layer(squares, 3, 8, Activation::Identity));
    Network {
        input_shape: vec![4, 4],
        preparation: Preparation::default(),
        layers,
        classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        logit_bound: Some(64.0),
        precision_bits: None,
        left_to_client: None,
        description: format!("A test of {squares} squares."),
    }
}

pub fn circuit(id: &str, squares: usize) -> Circuit {
    Circuit::compile(id, &network(squares)).expect("compiles")
}

static MODELS: LazyLock<[Arc<Circuit>; 2]> =
    LazyLock::new(|| [("one", 1), ("two", 2)].map(|(id, squares)| circuit(id, squares).into()));

/// The small models.
pub fn catalogue() -> Catalogue {
    Catalogue::new(MODELS.iter().cloned()).expect("two")
}

/// Limits small enough to be reached.
pub fn limits() -> Limits {
    let mut limits = Limits::for_threads(1);
    limits.queue.places = 1;
    limits.uploads = 1;
    limits.inputs = 1;
    limits.key_body.bytes = 4096;
    limits.input_body.bytes = 1024;
    limits
}

pub struct TestServer {
    pub app: Data<App>,
    pub clock: Arc<TestClock>,
    pub ring: Arc<Ring>,
    /// Removed with the server.
    _page: TempDir,
}

/// What came back.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl TestServer {
    pub fn new() -> Self {
        Self::with_limits(limits())
    }

    pub fn with_limits(limits: Limits) -> Self {
        Self::with_catalogue(catalogue(), limits)
    }

    fn with_catalogue(catalogue: Catalogue, limits: Limits) -> Self {
        let directory = tempfile::tempdir().expect("temporary directory");
        fs::write(directory.path().join("index.html"), INDEX).expect("written");
        fs::write(
            directory.path().join(&SCRIPT[1..]),
            "export default 1;\n".repeat(100),
        )
        .expect("written");
        fs::write(directory.path().join("client_bg.wasm"), b"\0asm").expect("written");
        fs::write(directory.path().join("packed.js"), "packed").expect("written");
        fs::write(directory.path().join("packed.js.gz"), PACKED).expect("written");
        fs::write(directory.path().join("manifest.webmanifest"), "{}").expect("written");
        fs::create_dir(directory.path().join("docs")).expect("made");
        fs::write(directory.path().join("docs/security.md"), DOCUMENT).expect("written");
        let page = Page::open(directory.path()).expect("has an index");
        let ring = Arc::clone(MODELS[0].ring());
        let clock = Arc::new(TestClock::default());
        let keys = KeyStore::in_memory(limits.keys(), Arc::clone(&clock) as Arc<dyn Clock>);
        let app = App::new(catalogue, limits).expect("starts");
        let app = app.with_page(page).with_key_store(keys);
        Self {
            app: Data::new(app),
            clock,
            ring,
            _page: directory,
        }
    }

    /// A server which also evaluates first layers.
    pub fn with_layer_ranges(limits: Limits) -> Self {
        // The last one's layers can be asked for, though it isn't served whole.
        let networks = [("one", 1), ("two", 2), ("three", 1)];
        let networks = networks.map(|(id, squares)| (id.into(), network(squares)));
        Self::with_catalogue(catalogue().with_layer_ranges(networks), limits)
    }

    /// The same server with another configuration.
    pub fn map_app(self, change: impl FnOnce(App) -> App) -> Self {
        let app = Arc::into_inner(self.app.into_inner()).expect("nobody else has it");
        Self {
            app: Data::new(change(app)),
            ..self
        }
    }

    pub async fn call(&self, request: TestRequest) -> Reply {
        let app = self.app.clone();
        let service = actix_web::App::new().configure(|config| configure(config, app));
        let service = test::init_service(service).await;
        let response: ServiceResponse = test::call_service(&service, request.to_request()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body()).await.expect("a body");
        Reply {
            status,
            headers,
            body,
        }
    }

    /// Opens a session without any key in it.
    pub async fn open_session(&self) -> SessionInfo {
        let reply = self.call(octets("/api/v1/sessions", self.no_keys())).await;
        assert_eq!(reply.status, StatusCode::CREATED);
        serde_json::from_slice(&reply.body).expect("session info")
    }

    /// A sound key message with no key.
    pub fn no_keys(&self) -> Vec<u8> {
        write_keys_header(0, &self.ring)
    }

    /// The header of some message of this ring.
    pub fn header(&self, kind: shared::wire::MessageKind) -> Vec<u8> {
        write_header(kind, &self.ring)
    }
}

impl Reply {
    pub fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("ASCII"))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

pub fn request(method: Method, uri: &str) -> TestRequest {
    TestRequest::with_uri(uri).method(method)
}

pub fn get(uri: &str) -> TestRequest {
    request(Method::GET, uri)
}

/// A POST of a key message or a ciphertext.
pub fn octets(uri: &str, body: impl Into<Bytes>) -> TestRequest {
    request(Method::POST, uri)
        .insert_header((header::CONTENT_TYPE, OCTET_STREAM))
        .set_payload(body)
}
