//! The page: draw a digit, let a server that can't see it say which one it is.
//!
//! Two programs share this library. `app` is the page's main thread: components, the drawing and
//! the requests. `worker` runs beside it and holds the secret key. They exchange the messages of
//! [`protocol`] and nothing else, so the key has no way out of the worker.
//!
//! **Invariant:** what the page sends to a server is evaluation keys and ciphertexts. No module
//! that makes a request is handed a pixel, a logit or a secret key.

// What crosses to the worker and back, and what the worker does.
pub mod crypto;
pub mod protocol;
pub mod worker;

// What the page knows, and what it does.
pub mod controller;
pub mod failure;
pub mod state;
pub mod text;

// The evaluator, over HTTP.
pub mod evaluator;
pub mod http;

// The drawing.
pub mod drawing;
pub mod raster;

// The browser.
pub mod address;
pub mod components;
pub mod link;
pub mod listen;
pub mod work;

/// Starts the page in `<body>`.
pub fn run_app() {
    yew::Renderer::<components::App>::new().render();
}

/// Starts the crypto worker in the worker this runs in.
pub fn run_worker() {
    worker::run();
}
