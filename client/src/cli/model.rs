//! A model's description and the secret key made for it, from files.
//!
//! **Invariant:** a plan that comes out is checked by the library and takes the 28×28 images that
//! this program prepares.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use client::models::takes_drawings;
use client::sealed::{self, SealedKey};
use client::{ClientKeys, Plan};
use shared::api::ModelInfo;
use shared::image::SIDE;
use zeroize::Zeroizing;

use super::{files, passphrase};

/// The longest description that is read.
const LIMIT: u64 = 4 << 20;

/// Checks a description.
///
/// # Errors
/// If the library refuses it or the model takes other images.
pub fn plan(info: ModelInfo) -> Result<Arc<Plan>> {
    let id = info.id.clone();
    let shape = &info.input.shape;
    ensure!(
        takes_drawings(shape),
        "model {id} takes input of sizes {shape:?}; this program prepares images of {SIDE}×{SIDE}"
    );
    let plan = Plan::new(info).with_context(|| format!("model {id} can't be used"))?;
    Ok(Arc::new(plan))
}

/// Reads and checks a description.
///
/// # Errors
/// If the file can't be read or as [`plan`].
pub fn load(path: &Path) -> Result<Arc<Plan>> {
    let name = path.display();
    let bytes = files::read(path, LIMIT)?;
    let info = serde_json::from_slice(&bytes).with_context(|| {
        format!("{name}: not a model's description, as `inkveil describe` writes it")
    })?;
    plan(info).with_context(|| name.to_string())
}

/// Reads a secret key; the passphrase is asked for where the file is sealed.
///
/// # Errors
/// If the file can't be read or opened, or holds no key for this plan's parameter set.
pub fn load_secret(
    plan: Arc<Plan>,
    path: &Path,
    passphrase: &passphrase::Source,
) -> Result<ClientKeys> {
    let bytes = Zeroizing::new(files::read(path, files::MESSAGE_LIMIT)?);
    if sealed::is_sealed(&bytes) {
        let name = path.display().to_string();
        let sealed = SealedKey::read(&bytes).with_context(|| name.clone())?;
        let passphrase = passphrase.existing(&name)?;
        return sealed.open(plan, &passphrase).context(name);
    }
    files::explain(path, ClientKeys::from_file(plan, &bytes))
}
