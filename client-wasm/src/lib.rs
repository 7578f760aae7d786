//! The page: draw a digit, let a server that can't see it say which one it is.
//!
//! One program runs twice. On the page's main thread it is components, the drawing and the requests;
//! in a worker beside it, it holds the secret key. The two have no memory in common: they exchange
//! the messages of [`protocol`] and nothing else, so the key has no way out of the worker.
//!
//! **Invariant:** what the page sends to a server is evaluation keys and ciphertexts. No module
//! that makes a request is handed a pixel, a logit or a secret key.

// What crosses to the worker and back, and what the worker does.
pub mod crypto;
pub mod protocol;
pub mod store;
pub mod worker;

// What the page knows, and what it does.
pub mod controller;
pub mod export;
pub mod failure;
pub mod passphrase;
pub mod state;
pub mod text;

// The evaluator, over HTTP.
pub mod evaluator;
pub mod http;

// The drawing.
pub mod drawing;
pub mod pictures;
pub mod raster;
pub mod samples;

// The browser.
pub mod address;
pub mod components;
pub mod connection;
pub mod frame;
pub mod install;
pub mod link;
pub mod listen;
pub mod save;
pub mod shortcuts;
pub mod token;
pub mod work;

/// Starts the page in `<body>`, or the crypto worker where this is one.
pub fn run() {
    if worker::run().is_none() {
        token::find();
        yew::Renderer::<components::App>::new().render();
        install::register();
    }
}
