//! Ciphertexts on the way up: an input, a batch of inputs, a bulk input.
#![no_main]

use fuzz::material::{BULK_INPUTS, IMAGES, KEYS, ring};
use fuzz::memory::bounded;
use libfuzzer_sys::fuzz_target;
use shared::wire::{
    is_batch, read_batch, read_bulk_input, read_input, write_batch, write_bulk_input, write_input,
};

fuzz_target!(init: fuzz::seeds(seeds), |message: &[u8]| run(message));

fn run(message: &[u8]) {
    check_input(message);
    let bulk = bounded(message, |message| {
        read_bulk_input(message, BULK_INPUTS, ring())
    });
    if let Ok(bulk) = bulk {
        assert_eq!(write_bulk_input(&bulk, ring()), message);
    }
    if let Ok(messages) = read_batch(message, ring()) {
        assert!(is_batch(message));
        let messages: Vec<Vec<u8>> = messages.map(<[u8]>::to_vec).collect();
        for message in &messages {
            check_input(message);
        }
        assert_eq!(write_batch(&messages, ring()).as_deref(), Ok(message));
    }
}

fn check_input(message: &[u8]) {
    if let Ok(input) = bounded(message, |message| read_input(message, ring())) {
        assert_eq!(write_input(&input, ring()), message);
        input.expand(ring()).expect("an input is modulo Q");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let image = [0.0, 1.0, 0.0, 1.0];
    let input = || KEYS.encrypt(&image).expect("fits");
    let batch = write_batch(&[input(), input()], ring()).expect("two");
    let bulk = KEYS.encrypt_bulk(&[image; IMAGES]).expect("fits");
    vec![input(), batch, bulk]
}
