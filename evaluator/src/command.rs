//! What each subcommand of the program does.

pub mod check;
pub mod config;
pub mod evaluate;
pub mod inspect;
pub mod serve;
pub mod telemetry;
pub mod token;

use anyhow::Result;
use evaluator::import::{Options, calibration};
use evaluator::settings::Replacing;

/// The calibration images.
fn calibration_images(replacing: &Replacing) -> Result<Vec<Vec<f64>>> {
    let images = replacing.calibrate.as_deref().map(calibration::read);
    Ok(images.transpose()?.unwrap_or_default())
}

fn options<'a>(replacing: &'a Replacing, images: &'a [Vec<f64>]) -> Options<'a> {
    Options {
        approximations: &replacing.approximate,
        calibration: images,
    }
}
