//! The page's program, in the page and in its worker.

fn main() {
    client_wasm::run();
}
