//! Ciphertexts on the way down, as the client reads them: a reply in coefficients or slots, a batch
//! of replies, a bulk reply.
#![no_main]

use fuzz::material::{IMAGES, KEYS, SLOT_KEYS, bulk_reply, coefficients, reply, ring, slots};
use libfuzzer_sys::fuzz_target;
use shared::wire::{
    read_bulk_reply, read_reply, write_batch, write_bulk_reply, write_header, write_reply,
};

fuzz_target!(init: fuzz::seeds(seeds), |message: &[u8]| run(message));

fn run(message: &[u8]) {
    for keys in [&*KEYS, &*SLOT_KEYS] {
        // Garbage may decrypt, to garbage; it has to be as much as was promised.
        let packing = &keys.plan().info().output.packing;
        if let Ok(logits) = keys.decrypt(message) {
            assert_eq!(logits.values().len(), packing.classes());
        }
        let _ = keys.decrypt_batch(message);
        if let Ok(reply) = read_reply(message, packing, ring()) {
            assert_eq!(write_reply(&reply, ring()), message);
        }
    }
    if let Ok(logits) = KEYS.decrypt_bulk(message, IMAGES) {
        assert_eq!(logits.len(), IMAGES);
    }
    let classes = coefficients().classes();
    if let Ok(reply) = read_bulk_reply(message, classes, ring()) {
        assert_eq!(write_bulk_reply(&reply, ring()), message);
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let (reply, slots) = (reply(&coefficients()), reply(&slots()));
    let batch = write_batch(&[reply.clone(), reply.clone()], ring()).expect("two");
    let header = write_header(shared::wire::MessageKind::Reply, ring());
    vec![reply, slots, batch, bulk_reply(), header]
}
