//! The page's main thread.

fn main() {
    client_wasm::run_app();
}
