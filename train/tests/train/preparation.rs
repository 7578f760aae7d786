//! Preparing what is in MNIST's form already.

use shared::image::Digit;
use train::inputs::Form;
use train::mnist::LabelledImages;

use crate::data;

#[test]
fn real_images_are_nearly_reproduced() {
    let Some(directory) = data::mnist() else {
        return;
    };
    let test = LabelledImages::load_test(&directory).unwrap();
    let difference = |image: &[u8; 784]| {
        let (raw, prepared) = (Digit::from_mnist(image), Form::Prepared.digit(image));
        let pairs = raw.pixels().iter().zip(prepared.pixels());
        pairs.map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / 784.0
    };
    let differences: Vec<_> = test.images.iter().map(difference).collect();
    let mean = differences.iter().sum::<f64>() / differences.len() as f64;
    let kept = differences
        .iter()
        .filter(|&&difference| difference < 0.01)
        .count();
    println!(
        "mean absolute difference {mean:.6}; below 0.01 in {kept} of {}",
        differences.len()
    );
    assert!(mean < 0.001, "{mean}");
    assert!(kept > 9900, "{kept}");
}
