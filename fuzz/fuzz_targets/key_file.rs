//! Files of secret keys, sealed and not.
#![no_main]

use client::ClientKeys;
use client::sealed::{self, SealedKey};
use fuzz::material::KEYS;
use libfuzzer_sys::fuzz_target;

/// Most that opening a file may cost here, in KiB times passes: Argon2 is slow because it is meant
/// to be.
const MOST_WORK: u64 = 64;

const PASSPHRASE: &str = "correct horse";

fuzz_target!(init: fuzz::seeds(seeds), |file: &[u8]| run(file));

fn run(file: &[u8]) {
    let plan = || KEYS.plan().clone();
    if let Ok(keys) = ClientKeys::from_file(plan(), file) {
        assert_eq!(keys.to_file().as_slice(), file);
    }
    let Ok(key) = SealedKey::read(file) else {
        return;
    };
    assert!(sealed::is_sealed(file));
    let cost = key.cost;
    let work = u64::from(cost.memory_kib) * u64::from(cost.passes);
    assert!(cost.memory_kib <= sealed::MOST_MEMORY_KIB && work <= sealed::MOST_WORK_KIB);
    if work <= MOST_WORK {
        let _ = key.open(plan(), PASSPHRASE);
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let sealed = KEYS.seal(PASSPHRASE, 1_700_000_000_000).expect("sealed");
    // Memory and passes, which stand behind the header and the date.
    let mut cheap = sealed.clone();
    cheap[24..32].copy_from_slice(&[8, 0, 0, 0, 1, 0, 0, 0]);
    vec![KEYS.to_file().to_vec(), sealed, cheap]
}
