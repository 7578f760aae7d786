//! The models in a directory.
//!
//! Knows files and names; what is in them is for [`crate::import`] and [`crate::circuit`].
//!
//! **Invariant:** a model's id is its file's name without `.onnx`, made of letters, digits, `-`,
//! `_` and `.`, so that it needs no escaping in a route.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use onnx::Limits;
use thiserror::Error;

use crate::circuit::{Circuit, CircuitError};
use crate::import::{ImportError, Imported, Options, import_with};
use crate::network::Network;

const ENDING: &str = "onnx";

/// Why a model isn't served.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The file can't be read.
    #[error("{file}: {reason}")]
    Read {
        /// The file.
        file: String,
        /// What the operating system said.
        reason: io::Error,
    },
    /// Its name doesn't make an id.
    #[error(
        "{file}: a model's file is named with letters, digits, '-', '_' and '.' only, and ends in \
         .{ENDING}"
    )]
    Name {
        /// The file.
        file: String,
    },
    /// It isn't a network that can be evaluated.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// No circuit fits the network.
    #[error("{file}: {reason}")]
    Circuit {
        /// The file.
        file: String,
        /// What doesn't fit.
        reason: CircuitError,
    },
}

/// Loads every `.onnx` file of a directory.
///
/// # Errors
/// All the models that can't be served, or the directory if it can't be read.
pub fn load_directory(
    directory: &Path,
    options: &Options<'_>,
) -> Result<Vec<Circuit>, Vec<ModelError>> {
    let files = list(directory).map_err(|reason| {
        vec![ModelError::Read {
            file: directory.display().to_string(),
            reason,
        }]
    })?;
    let (mut circuits, mut errors) = (Vec::new(), Vec::new());
    for file in files {
        match load_with(&file, options) {
            Ok(circuit) => circuits.push(circuit),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(circuits)
    } else {
        Err(errors)
    }
}

/// Loads one model as it is.
///
/// # Errors
/// Why it can't be served.
pub fn load(path: &Path) -> Result<Circuit, ModelError> {
    load_with(path, &Options::default())
}

/// Loads one model, replacing activations as the options say.
///
/// # Errors
/// Why it can't be served.
pub fn load_with(path: &Path, options: &Options<'_>) -> Result<Circuit, ModelError> {
    compile(path, &read_network_with(path, options)?.network)
}

/// Makes a circuit of the network that was read from `path`.
///
/// # Errors
/// The file's name doesn't make an id, or no circuit fits.
pub fn compile(path: &Path, network: &Network) -> Result<Circuit, ModelError> {
    let file = path.display().to_string();
    let Some(id) = id_of(path) else {
        return Err(ModelError::Name { file });
    };
    Circuit::compile(id, network).map_err(|reason| ModelError::Circuit { file, reason })
}

/// Reads one model as it is, without looking for a circuit.
///
/// # Errors
/// The file can't be read or imported.
pub fn read_network(path: &Path) -> Result<Network, ModelError> {
    read_network_with(path, &Options::default()).map(|imported| imported.network)
}

/// Reads one model, replacing activations as the options say, without looking for a circuit.
///
/// # Errors
/// The file can't be read or imported.
pub fn read_network_with(path: &Path, options: &Options<'_>) -> Result<Imported, ModelError> {
    let file = path.display().to_string();
    match read(path) {
        Ok(bytes) => Ok(import_with(&file, &bytes, options)?),
        Err(reason) => Err(ModelError::Read { file, reason }),
    }
}

fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// One byte more than is allowed is enough to refuse a file.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(Limits::default().file_bytes).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn id_of(path: &Path) -> Option<&str> {
    let id = path
        .file_name()?
        .to_str()?
        .strip_suffix(ENDING)?
        .strip_suffix('.')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (!id.is_empty() && !id.starts_with('.') && id.bytes().all(is_plain)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ids() {
        let id = |name: &'static str| id_of(Path::new(name));
        assert_eq!(id("models/mnist-fast.onnx"), Some("mnist-fast"));
        assert_eq!(id("mlp_128.legacy.onnx"), Some("mlp_128.legacy"));
        for wrong in [
            ".onnx", "..onnx", "a b.onnx", "a?.onnx", "é.onnx", "onnx", "a.pt", "aonnx",
        ] {
            assert_eq!(id(wrong), None, "{wrong}");
        }
    }
}
