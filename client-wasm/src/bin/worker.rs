//! The crypto worker.

fn main() {
    client_wasm::run_worker();
}
