//! The published checksums are those of the real files.

use std::fs;

use train::download;

use crate::data;

#[test]
fn a_cache_with_the_real_files_needs_no_network() {
    let Some(directory) = data::mnist() else {
        return;
    };
    let cache = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(&directory).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), cache.path().join(entry.file_name())).unwrap();
    }
    download::fetch(cache.path()).unwrap();
}
