//! Files that open, and files that don't.

use shared::params::{ParameterSpec, shipped};

use super::*;
use crate::sample::{self, description};

const PASSPHRASE: &str = "correct horse äöü";
const MADE_AT: u64 = 1_800_000_000_123;

/// As little as Argon2 allows, to be quick.
const CHEAP: Cost = Cost {
    memory_kib: 64,
    passes: 2,
};

fn n12() -> ParameterSpec {
    shipped().remove(0)
}

fn keys() -> ClientKeys {
    sample::keys(description(n12()), 7)
}

/// The file of [`keys`] with salt and nonce of fives and sixes.
fn file() -> Vec<u8> {
    let (salt, nonce) = ([5; SALT_LEN], [6; NONCE_LEN]);
    let file = keys().seal_with(PASSPHRASE, MADE_AT, CHEAP, salt, nonce);
    file.expect("seals")
}

/// Reads and opens a file for the plan of [`keys`].
fn open(file: &[u8], passphrase: &str) -> Result<ClientKeys, SealedError> {
    SealedKey::read(file)?.open(Arc::clone(keys().plan()), passphrase)
}

#[track_caller]
fn check_refused(file: &[u8], expected: &SealedError) {
    assert_eq!(open(file, PASSPHRASE).err().as_ref(), Some(expected));
}

/// The file with some bytes in another place.
fn changed(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

/// Made with other implementations; `tests/known/README.md` says how.
#[test]
fn the_file_is_the_known_one() {
    let hex = include_str!("../../tests/known/sealed.txt");
    let bytes = file();
    let ours: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(ours, hex.split_whitespace().collect::<String>());
}

#[test]
fn the_passphrase_opens_what_it_sealed() {
    let keys = keys();
    let file = keys.seal(PASSPHRASE, MADE_AT).expect("seals");
    let sealed = SealedKey::read(&file).expect("a key file");
    assert_eq!((sealed.model, sealed.made_at), ("sample", MADE_AT));
    assert_eq!(sealed.cost, Cost::NEW);
    let opened = open(&file, PASSPHRASE).expect("opens");
    assert_eq!(opened.to_file(), keys.to_file());
    let again = keys.seal(PASSPHRASE, MADE_AT).expect("seals");
    assert_ne!(file, again, "salt and nonce are fresh");
    assert!(is_sealed(&file) && !is_sealed(&keys.to_file()));
}

#[test]
fn every_changed_bit_is_refused() {
    let file = file();
    for at in 0..file.len() {
        for bit in [1, 0x80] {
            let mut damaged = file.clone();
            damaged[at] ^= bit;
            // A cost of gigabytes is refused, so this ends soon.
            let opened = open(&damaged, PASSPHRASE);
            assert!(opened.is_err(), "byte {at} of {} changed", file.len());
        }
    }
}

#[test]
fn every_cut_is_refused() {
    let file = file();
    for length in 0..file.len() {
        assert!(SealedKey::read(&file[..length]).is_err(), "{length} bytes");
    }
    let what = "its end is missing";
    check_refused(&file[..file.len() - 1], &SealedError::Damaged { what });
    let what = "it goes on after its end";
    let longer = [&file[..], &[0]].concat();
    check_refused(&longer, &SealedError::Damaged { what });
}

#[test]
fn another_passphrase_opens_nothing() {
    for wrong in ["", "correct horse", "correct horse äöü "] {
        let error = open(&file(), wrong).err();
        assert_eq!(error, Some(SealedError::Locked), "{wrong:?}");
    }
}

#[test]
fn a_short_passphrase_seals_nothing() {
    let found = LEAST_PASSPHRASE - 1;
    let refused = keys().seal(&"x".repeat(found), MADE_AT).err();
    assert_eq!(refused, Some(SealedError::ShortPassphrase { found }));
}

#[test]
fn files_of_another_kind_are_named() {
    check_refused(b"GIF89a: a picture", &SealedError::NotAKeyFile);
    check_refused(b"", &SealedError::NotAKeyFile);
    check_refused(&keys().to_file(), &SealedError::Unsealed);
    let keys = keys();
    let input = keys.encrypt(&[0.0; 4]).expect("encrypts");
    check_refused(&input, &SealedError::NotAKeyFile);
    let (found, expected) = (2, 1);
    let newer = SealedError::Version { found, expected };
    check_refused(&changed(4, &[2, 0]), &newer);
}

#[test]
fn keys_for_something_else_are_named() {
    let mut info = description(n12());
    info.id = "other".into();
    let other = sample::keys(info, 7);
    let file = file();
    let sealed = SealedKey::read(&file).expect("a key file");
    let (found, expected) = ("sample".into(), "other".into());
    let refused = sealed.open(Arc::clone(other.plan()), PASSPHRASE).err();
    assert_eq!(refused, Some(SealedError::Model { found, expected }));

    let mut info = description(n12());
    info.parameters.levels.truncate(1);
    info.bulk = None;
    let changed = sample::keys(info, 7);
    let refused = sealed.open(Arc::clone(changed.plan()), PASSPHRASE).err();
    let found = keys().plan().ring().parameters().fingerprint();
    let expected = changed.plan().ring().parameters().fingerprint();
    let model = "sample".into();
    assert_eq!(
        refused,
        Some(SealedError::ParameterSet {
            model,
            found,
            expected
        })
    );
}

/// A file that asks for too much is refused before anything is allocated for it.
#[test]
fn hostile_costs_are_refused() {
    let check = |memory_kib: u32, passes: u32| {
        let cost = [memory_kib.to_le_bytes(), passes.to_le_bytes()].concat();
        let found = Cost { memory_kib, passes };
        check_refused(&changed(24, &cost), &SealedError::Cost { found });
    };
    check(u32::MAX, 1);
    check(MOST_MEMORY_KIB + 1, 1);
    check(MOST_MEMORY_KIB, 5);
    check(64, u32::MAX);
    check(64, 0);
    check(7, 1);
    let most = Cost {
        memory_kib: MOST_MEMORY_KIB,
        passes: 4,
    };
    assert!(most.params().is_ok() && Cost::NEW.params().is_ok());
}

#[test]
fn a_model_with_an_endless_name_is_not_sealed() {
    let mut info = description(n12());
    info.id = "x".repeat(256);
    let refused = sample::keys(info, 7).seal(PASSPHRASE, MADE_AT).err();
    assert_eq!(refused, Some(SealedError::LongName { found: 256 }));
}
