//! Packed files beside the page's own, so that a server packs none while somebody waits.
//!
//! **Invariant:** `NAME.br` and `NAME.gz` hold the bytes of `NAME`, are smaller, and are the same
//! whenever `NAME` is.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Endings of files that packing makes smaller; pictures are packed already.
const PACKABLE: [&str; 9] = [
    "css",
    "html",
    "js",
    "json",
    "md",
    "svg",
    "txt",
    "wasm",
    "webmanifest",
];

/// Packs every file below a directory that packing makes smaller; returns how many those are.
pub fn pack(directory: &Path) -> Result<usize> {
    let mut packed = 0;
    for path in files(directory)? {
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        let [brotli, gzip] = [brotli(&bytes)?, gzip(&bytes)?];
        let mut smaller = false;
        for (ending, form) in [("br", brotli), ("gz", gzip)] {
            if form.len() < bytes.len() {
                let beside = beside(&path, ending);
                fs::write(&beside, form).with_context(|| beside.display().to_string())?;
                smaller = true;
            }
        }
        packed += usize::from(smaller);
    }
    Ok(packed)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// The files to pack below a directory.
fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut directories) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory);
        for entry in entries.with_context(|| directory.display().to_string())? {
            let entry = entry?;
            let path = entry.path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            if entry.file_type()?.is_dir() {
                directories.push(path);
            } else if ending.is_some_and(|ending| PACKABLE.contains(&ending)) {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let best = BrotliEncoderParams {
        quality: 11,
        size_hint: bytes.len(),
        ..BrotliEncoderParams::default()
    };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &best)?;
    Ok(packed)
}

/// The header names neither file nor time.
fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use tempfile::tempdir;

    use super::*;

    /// Names and contents of all files in a directory.
    fn contents(directory: &Path) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    }

    #[test]
    fn packed_files_are_smaller_and_hold_the_same() {
        let directory = tempdir().unwrap();
        let text = "a digit, read under the veil\n".repeat(99);
        let below = directory.path().join("docs");
        fs::create_dir(&below).unwrap();
        for place in [directory.path(), &below] {
            fs::write(place.join("page.md"), &text).unwrap();
        }
        assert_eq!(pack(directory.path()).unwrap(), 2);
        for place in [directory.path(), &below] {
            let read = |name| fs::read(place.join(name)).unwrap();
            let (brotli, gzip) = (read("page.md.br"), read("page.md.gz"));
            assert!(brotli.len() < text.len() && gzip.len() < text.len());
            let mut unpacked = Vec::new();
            brotli::BrotliDecompress(&mut &*brotli, &mut unpacked).unwrap();
            assert!(unpacked == text.as_bytes());
            unpacked.clear();
            GzDecoder::new(&*gzip).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == text.as_bytes());
        }
    }

    #[test]
    fn what_grows_or_is_a_picture_stays_alone() {
        let directory = tempdir().unwrap();
        let write = |name, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
        write("short.js", b"1");
        write("icon.png", &[7; 999]);
        write("none", &[7; 999]);
        assert_eq!(pack(directory.path()).unwrap(), 0);
        let names: Vec<_> = contents(directory.path())
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["icon.png", "none", "short.js"]);
    }

    #[test]
    fn packing_again_changes_nothing() {
        let directory = tempdir().unwrap();
        fs::write(directory.path().join("a.wasm"), [1, 2, 3, 4].repeat(99)).unwrap();
        pack(directory.path()).unwrap();
        let first = contents(directory.path());
        assert_eq!(first.len(), 3);
        pack(directory.path()).unwrap();
        assert!(contents(directory.path()) == first);
    }
}
