//! What travels, in bytes.

use std::fs;

use anyhow::{Result, ensure};
use brotli::enc::BrotliEncoderParams;
use tests::root;

use crate::report::{Figure, Section};
use crate::setting::Setting;

/// Keys, ciphertexts, and the page as a server that packs well sends it.
///
/// # Errors
/// If the page isn't built.
pub fn measure() -> Result<Section> {
    let setting = Setting::new()?;
    let mut section = Section::new(
        "Bytes",
        "The page is every file that opening it takes, of its release build, each packed by brotli at \
         its best.",
    );
    let mut add = |name: &str, size: usize| section.add(name, Figure::Bytes(size as u64));
    add("evaluation keys, once per session", setting.upload.len());
    add("one digit, up", setting.request.len());
    add("one digit, down", setting.classify()?.len());
    let directory = root().join("dist");
    let (mut plain, mut packed) = (0, 0);
    for entry in fs::read_dir(&directory)? {
        let entry = entry?;
        // Below it lie documents and icons, which only those get who ask for them; beside each file lies
        // the same one packed.
        let packed_beside = entry
            .path()
            .extension()
            .is_some_and(|ending| ending == "br" || ending == "gz");
        if packed_beside || entry.file_type()?.is_dir() {
            continue;
        }
        let bytes = fs::read(entry.path())?;
        plain += bytes.len();
        packed += brotli_size(&bytes)?;
    }
    ensure!(packed > 0, "{} holds no page", directory.display());
    add("page, packed", packed);
    add("page, unpacked", plain);
    Ok(section)
}

fn brotli_size(bytes: &[u8]) -> Result<usize> {
    let best = BrotliEncoderParams {
        quality: 11,
        size_hint: bytes.len(),
        ..BrotliEncoderParams::default()
    };
    Ok(brotli::BrotliCompress(
        &mut &*bytes,
        &mut Vec::new(),
        &best,
    )?)
}
