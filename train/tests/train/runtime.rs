//! Another implementation of ONNX: tract.

use tract_onnx::prelude::*;

/// The logits of images of 784 pixels each.
pub fn logits(file: &[u8], images: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let shape = [images.len(), 1, 28, 28];
    let mut bytes = file;
    let model = onnx().model_for_read(&mut bytes).unwrap();
    let model = model.with_input_fact(0, f32::fact(shape).into()).unwrap();
    let model = model.into_optimized().unwrap().into_runnable().unwrap();
    let input = Tensor::from_shape(&shape, &images.concat()).unwrap();
    let outputs = model.run(tvec!(input.into())).unwrap();
    let view = outputs[0].to_plain_array_view::<f32>().unwrap();
    assert_eq!(view.shape(), [images.len(), 10]);
    view.outer_iter()
        .map(|row| row.iter().copied().collect())
        .collect()
}

/// The index of the largest logit.
pub fn class(logits: &[f32]) -> usize {
    let largest = (0..logits.len()).max_by(|&left, &right| logits[left].total_cmp(&logits[right]));
    largest.unwrap()
}
