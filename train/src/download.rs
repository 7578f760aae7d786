//! MNIST from its official mirrors, checked.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use md5::{Digest as _, Md5};
use thiserror::Error;

use crate::mnist::{TEST, TRAIN};

/// Where MNIST is published, in the order they are asked.
pub const MIRRORS: [&str; 2] = [
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
];

/// File names with the MD5 sums published for them.
const FILES: [(&str, &str); 4] = [
    (TRAIN[0], "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    (TRAIN[1], "d53e105ee54ea40749a09fcbcd1e9432"),
    (TEST[0], "9fb629c4189551a2d022fa330f9573f3"),
    (TEST[1], "ec29112dd5afa0611ce80d1b7f02629c"),
];

/// Largest file that is accepted: 16 MiB, a half more than MNIST's largest.
const LIMIT: u64 = 16 << 20;

/// How long one file may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Why the data couldn't be fetched.
#[derive(Debug, Error)]
pub enum DownloadError {
    /// Something in the cache directory.
    #[error("{path}: {problem}", path = path.display())]
    Cache {
        /// Which file or directory.
        path: PathBuf,
        /// What the system says.
        problem: io::Error,
    },
    /// No mirror gave the file.
    #[error(
        "{name}: {problems}; fetch it by hand and pass its directory with --data",
        problems = problems.join("; ")
    )]
    Unavailable {
        /// Which file.
        name: &'static str,
        /// What each mirror said.
        problems: Vec<String>,
    },
}

/// Makes sure that the directory has all of MNIST; files that are there and right are kept.
///
/// # Errors
/// Which file couldn't be had, and what each mirror said.
pub fn fetch(cache: &Path) -> Result<(), DownloadError> {
    fetch_files(cache, &FILES, get)
}

fn get(url: &str) -> Result<Vec<u8>, String> {
    let agent = ureq::Agent::new_with_config(
        ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .build(),
    );
    let mut response = agent.get(url).call().map_err(|error| error.to_string())?;
    let body = response.body_mut().with_config().limit(LIMIT);
    body.read_to_vec().map_err(|error| error.to_string())
}

fn fetch_files(
    cache: &Path,
    files: &[(&'static str, &str)],
    get: impl Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<(), DownloadError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |problem| DownloadError::Cache { path, problem }
    };
    fs::create_dir_all(cache).map_err(failed(cache))?;
    for &(name, sum) in files {
        let path = cache.join(name);
        match fs::read(&path) {
            Ok(bytes) if md5(&bytes) == sum => continue,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&path)(error)),
        }
        let bytes = download(name, sum, &get)?;
        // Whoever reads the directory meanwhile never sees half a file.
        let part = cache.join(format!("{name}.part"));
        fs::write(&part, bytes).map_err(failed(&part))?;
        fs::rename(&part, &path).map_err(failed(&path))?;
    }
    Ok(())
}

fn download(
    name: &'static str,
    sum: &str,
    get: &impl Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<Vec<u8>, DownloadError> {
    let mut problems = Vec::new();
    for mirror in MIRRORS {
        match get(&format!("{mirror}/{name}")) {
            Ok(bytes) => {
                let found = md5(&bytes);
                if found == sum {
                    return Ok(bytes);
                }
                problems.push(format!(
                    "{mirror} has one with MD5 {found}, published is {sum}"
                ));
            }
            Err(problem) => problems.push(format!("{mirror} says: {problem}")),
        }
    }
    Err(DownloadError::Unavailable { name, problems })
}

fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn md5_of_known_text() {
        assert_eq!(md5(b"message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    }

    #[test]
    fn a_wrong_sum_names_the_file_and_leaves_the_rest() {
        let cache = tempfile::tempdir().unwrap();
        let other = cache.path().join("other");
        let stale = cache.path().join(TRAIN[0]);
        fs::write(&other, "kept").unwrap();
        fs::write(&stale, "not what was published").unwrap();
        let error = fetch_files(cache.path(), &FILES, |_| Ok(b"tampered".to_vec()))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("train-images-idx3-ubyte.gz: https://"),
            "{error}"
        );
        assert!(
            error.contains("published is f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            "{error}"
        );
        assert!(error.ends_with("pass its directory with --data"), "{error}");
        assert_eq!(fs::read(&other).unwrap(), b"kept");
        assert_eq!(fs::read(&stale).unwrap(), b"not what was published");
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 2);
    }

    #[test]
    fn the_second_mirror_helps_and_right_files_are_kept() {
        let cache = tempfile::tempdir().unwrap();
        let files = [("letter", "f96b697d7cb7938d525a2f31aaf161d0")];
        let get = |url: &str| {
            let wanted = format!("{}/letter", MIRRORS[1]);
            if url == wanted {
                Ok(b"message digest".to_vec())
            } else {
                Ok(b"forged".to_vec())
            }
        };
        fetch_files(cache.path(), &files, get).unwrap();
        let letter = cache.path().join("letter");
        assert_eq!(fs::read(&letter).unwrap(), b"message digest");
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1);

        let unreachable = |_: &str| Err("is down".to_owned());
        fetch_files(cache.path(), &files, unreachable).unwrap();
        fs::write(&letter, "spoilt").unwrap();
        fetch_files(cache.path(), &files, unreachable).unwrap_err();
    }

    #[test]
    fn every_mirror_is_asked() {
        let cache = tempfile::tempdir().unwrap();
        let asked = RefCell::new(Vec::new());
        let get = |url: &str| {
            asked.borrow_mut().push(url.to_owned());
            Err("is down".to_owned())
        };
        let error = fetch_files(cache.path(), &FILES, get)
            .unwrap_err()
            .to_string();
        let urls: Vec<_> = MIRRORS
            .iter()
            .map(|mirror| format!("{mirror}/{}", TRAIN[0]))
            .collect();
        assert_eq!(*asked.borrow(), urls);
        for mirror in MIRRORS {
            assert!(
                error.contains(&format!("{mirror} says: is down")),
                "{error}"
            );
        }
    }
}
