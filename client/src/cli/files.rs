//! Files in, files out.
//!
//! **Invariant:** a file is written whole or not at all, replaces another only when that was asked
//! for, and from its first byte on a secret is readable by its owner alone.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use client::ClientError;
use shared::wire::{MessageKind, WireError};
use tempfile::NamedTempFile;

/// The longest key or ciphertext that is read.
pub const MESSAGE_LIMIT: u64 = 64 << 20;

/// Reads a whole file, if it is no longer than `limit` bytes.
///
/// # Errors
/// If it can't be read or is longer; with its name.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let name = || path.display().to_string();
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(name)?;
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .with_context(name)?;
    ensure!(
        bytes.len() as u64 <= limit,
        "{}: is longer than the {limit} bytes that are read at most",
        path.display()
    );
    Ok(bytes)
}

/// Puts a file's name, and in place of a message's kind its meaning, before an error.
///
/// # Errors
/// The one that it is given.
pub fn explain<T>(path: &Path, result: Result<T, ClientError>) -> Result<T> {
    let name = path.display();
    match result {
        Err(ClientError::Wire(WireError::Kind { found, expected })) => {
            let wanted = meaning(expected as u8);
            bail!(
                "{name}: holds {}; what is needed is {wanted}",
                meaning(found)
            );
        }
        result => result.with_context(|| name.to_string()),
    }
}

fn meaning(kind: u8) -> &'static str {
    const KINDS: [(MessageKind, &str); 5] = [
        (
            MessageKind::Input,
            "an encrypted drawing (from `inkveil encrypt`)",
        ),
        (
            MessageKind::Reply,
            "an encrypted answer (from `evaluator evaluate`)",
        ),
        (
            MessageKind::EvaluationKeys,
            "evaluation keys (from `inkveil keygen --out`)",
        ),
        (
            MessageKind::SecretKey,
            "a secret key (from `inkveil keygen --secret`)",
        ),
        (
            MessageKind::SealedSecretKey,
            "a sealed secret key (from `inkveil keygen --seal` or the page)",
        ),
    ];
    let known = KINDS.into_iter().find(|&(known, _)| known as u8 == kind);
    known.map_or("an unknown kind of message", |(_, words)| words)
}

/// Who may read a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Whoever wrote it.
    Owner,
    /// Whomever the process's mask lets.
    Everyone,
}

/// A file that is written, but not in its place yet; dropped, it is gone.
pub struct Staged {
    file: NamedTempFile,
    path: PathBuf,
    force: bool,
}

/// Checks that a file may be put there, before work is spent on it.
///
/// # Errors
/// If something is there that must not be replaced.
pub fn check_free(path: &Path, force: bool) -> Result<()> {
    let name = path.display();
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| name.to_string()),
        Ok(found) if !found.is_file() => bail!("{name}: exists and is no plain file"),
        Ok(_) if !force => bail!("{name}: exists already; --force replaces it"),
        Ok(_) => Ok(()),
    }
}

/// Writes pieces in a row into a file beside the one they are for.
///
/// # Errors
/// The first error of a piece, or of the file system.
pub fn stage<P: AsRef<[u8]>>(
    path: &Path,
    force: bool,
    readers: Readers,
    pieces: impl IntoIterator<Item = Result<P, ClientError>>,
) -> Result<Staged> {
    check_free(path, force)?;
    let name = || format!("{}: can't be written", path.display());
    let mut file = create_beside(path, readers).with_context(name)?;
    for piece in pieces {
        file.write_all(piece?.as_ref()).with_context(name)?;
    }
    file.as_file().sync_all().with_context(name)?;
    Ok(Staged {
        file,
        path: path.to_owned(),
        force,
    })
}

fn create_beside(path: &Path, readers: Readers) -> std::io::Result<NamedTempFile> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".inkveil-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = if readers == Readers::Owner {
            0o600
        } else {
            0o666
        };
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = readers; // Rights come from the directory there.
    builder.tempfile_in(directory)
}

impl Staged {
    /// Puts the file into its place.
    ///
    /// # Errors
    /// If something came to be there meanwhile, or the file system refuses.
    pub fn commit(self) -> Result<()> {
        let persisted = if self.force {
            self.file.persist(&self.path)
        } else {
            self.file.persist_noclobber(&self.path)
        };
        let result = persisted.map_err(|error| error.error);
        result
            .map(drop)
            .with_context(|| format!("{}: can't be written", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, force: bool, bytes: &[u8]) -> Result<()> {
        stage(path, force, Readers::Owner, [Ok(bytes)])?.commit()
    }

    #[test]
    fn files_are_whole_or_absent() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let pieces = [Ok(vec![1]), Err(ClientError::Randomness("none".to_owned()))];
        assert!(stage(&path, false, Readers::Owner, pieces).is_err());
        drop(stage(&path, false, Readers::Owner, [Ok([1])]).unwrap());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        write(&path, false, b"one").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[test]
    fn files_are_replaced_when_asked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let staged = stage(&path, false, Readers::Owner, [Ok(b"late")]).unwrap();
        write(&path, false, b"one").unwrap();
        let expected = format!("{}: exists already; --force replaces it", path.display());
        assert_eq!(
            write(&path, false, b"two").unwrap_err().to_string(),
            expected
        );
        assert!(staged.commit().is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write(&path, true, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        let expected = format!(
            "{}: exists and is no plain file",
            directory.path().display()
        );
        assert_eq!(
            write(directory.path(), true, b"").unwrap_err().to_string(),
            expected
        );
    }

    #[test]
    fn long_files_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write(&path, false, &[7; 5]).unwrap();
        assert_eq!(read(&path, 5).unwrap(), [7; 5]);
        let expected = format!(
            "{}: is longer than the 4 bytes that are read at most",
            path.display()
        );
        assert_eq!(read(&path, 4).unwrap_err().to_string(), expected);
    }

    #[test]
    fn kinds_have_meanings() {
        let error = WireError::Kind {
            found: 3,
            expected: MessageKind::Reply,
        };
        let explained = explain::<()>(Path::new("a.ct"), Err(error.into())).unwrap_err();
        let expected = "a.ct: holds evaluation keys (from `inkveil keygen --out`); what is needed \
                        is an encrypted answer (from `evaluator evaluate`)";
        assert_eq!(explained.to_string(), expected);
    }
}
