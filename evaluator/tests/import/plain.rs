//! Networks on plain numbers: ours, and the same file in tract.

use evaluator::import::import;
use evaluator::network::{Activation, Network};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use tract_onnx::prelude::*;

/// Largest difference between two sums of the same floats in different order, relative to the
/// larger of 1 and the value: 2^-24 a term, some thousand terms.
const TOLERANCE: f64 = 1e-4;

/// A file in tract, for inputs of one shape.
pub struct Tract {
    model: Arc<TypedRunnableModel>,
    shape: Vec<usize>,
}

impl Tract {
    /// Not its optimised form: tract 0.23.9 can't generate code for a product of an image with a
    /// single output.
    pub fn new(bytes: &[u8], shape: &[usize]) -> TractResult<Self> {
        let mut model = onnx().model_for_read(&mut &*bytes)?;
        model.set_input_fact(0, f32::fact(shape).into())?;
        Ok(Self {
            model: model.into_typed()?.into_runnable()?,
            shape: shape.to_vec(),
        })
    }

    /// What it computes.
    pub fn run(&self, image: &[f32]) -> TractResult<Vec<f32>> {
        let image = tract_ndarray::ArrayD::from_shape_vec(&*self.shape, image.to_vec())?;
        let image: Tensor = image.into();
        let outputs = self.model.run(tvec!(image.into()))?;
        let logits = outputs[0].to_plain_array_view::<f32>()?;
        Ok(logits.iter().copied().collect())
    }
}

/// Imports a file and compares it with tract on random images; returns the network.
#[track_caller]
pub fn check_against_tract(bytes: &[u8], shape: &[usize]) -> Network {
    let network = import("test.onnx", bytes).unwrap_or_else(|error| panic!("{error}"));
    check_invariants(&network);
    let truth = Tract::new(bytes, shape).expect("tract reads the file");
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    for _ in 0..4 {
        let pixels = shape.iter().product();
        let image: Vec<f32> = (0..pixels)
            .map(|_| (random.next_u32() >> 8) as f32 / (1 << 24) as f32)
            .collect();
        check_image(&network, &truth, &image);
    }
    network
}

/// Compares a network with tract on one image.
#[track_caller]
pub fn check_image(network: &Network, truth: &Tract, image: &[f32]) {
    let input: Vec<f64> = image.iter().copied().map(f64::from).collect();
    let got = network.evaluate(&input);
    let want = truth.run(image).expect("tract runs the file");
    assert_eq!(got.len(), want.len());
    assert_eq!(got.len(), network.classes.len());
    for (class, (got, want)) in got.iter().zip(want).enumerate() {
        let want = f64::from(want);
        let allowed = TOLERANCE * want.abs().max(1.0);
        assert!(
            (got - want).abs() <= allowed,
            "class {class}: {got} against tract's {want}"
        );
    }
}

/// What every network promises.
#[track_caller]
pub fn check_invariants(network: &Network) {
    let mut values = vec![network.inputs()];
    let (last, hidden) = network.layers.split_last().expect("has layers");
    assert_eq!(last.activation, Activation::Identity);
    let is_active = |activation: &Activation| *activation != Activation::Identity;
    assert!(hidden.iter().all(|layer| is_active(&layer.activation)));
    for layer in &network.layers {
        assert_eq!(layer.shape.iter().product::<usize>(), layer.values());
        assert!(!layer.terms.is_empty());
        for (index, term) in layer.terms.iter().enumerate() {
            assert_eq!(Some(&term.matrix.columns()), values.get(term.of.0));
            assert_eq!(term.matrix.rows(), layer.values());
            assert!(layer.terms[..index].iter().all(|other| other.of != term.of));
        }
        if let Activation::Polynomial(polynomial) = &layer.activation {
            assert!(polynomial.degree() >= 3);
        }
        values.push(layer.values());
    }
    let is_read = |index| {
        let mut terms = network.layers.iter().flat_map(|layer| &layer.terms);
        terms.any(|term| term.of.layer() == Some(index))
    };
    assert!((0..hidden.len()).all(is_read), "a layer that nothing reads");
}
