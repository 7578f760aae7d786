//! The shipped model with one client, and digits for it.

use std::sync::Arc;

use anyhow::{Result, ensure};
use client::{ClientKeys, Plan};
use evaluator::circuit::Circuit;
use evaluator::server::models;
use shared::keys::EvaluationKeys;
use shared::wire::read_evaluation_keys;
use tests::digits::Hand;
use tests::{drawings, root};

/// The model whose figures the README states.
pub const MODEL: &str = "mnist-fast";

/// Client and evaluator in one process.
pub struct Setting {
    pub circuit: Circuit,
    pub keys: ClientKeys,
    pub upload: Vec<u8>,
    pub evaluation: EvaluationKeys,
    pub request: Vec<u8>,
}

impl Setting {
    /// Compiles the model, makes keys and encrypts a digit.
    ///
    /// # Errors
    /// If one of these fails.
    pub fn new() -> Result<Self> {
        let circuit = models::load(&model_file())?;
        let plan = Arc::new(Plan::new(circuit.info().clone())?);
        let keys = ClientKeys::generate(plan)?;
        let upload = keys
            .evaluation_keys()
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        let evaluation = read_evaluation_keys(&upload, circuit.ring())?;
        let request = keys.encrypt(&pixels(7)?)?;
        Ok(Self {
            circuit,
            keys,
            upload,
            evaluation,
            request,
        })
    }

    /// All that the evaluator does for one digit, from bytes to bytes.
    ///
    /// # Errors
    /// If it refuses.
    pub fn classify(&self) -> Result<Vec<u8>> {
        let input = self.circuit.parse_input(&self.request)?;
        Ok(self.circuit.evaluate(&self.evaluation, input)?)
    }

    /// Fails unless the reply says what was drawn.
    ///
    /// # Errors
    /// If it doesn't.
    pub fn check(&self) -> Result<()> {
        let class = self.keys.decrypt(&self.classify()?)?.argmax();
        ensure!(class == 7, "a 7 was read as {class}");
        Ok(())
    }
}

/// The model's file.
pub fn model_file() -> std::path::PathBuf {
    root().join("models").join(format!("{MODEL}.onnx"))
}

/// A drawn digit as MNIST has them, 28×28 bytes.
///
/// # Errors
/// If it can't be prepared.
pub fn image(digit: u8) -> Result<Vec<u8>> {
    drawings::mnist(digit, &Hand::default())
}

/// The same as numbers in `0..=1`.
///
/// # Errors
/// If it can't be prepared.
pub fn pixels(digit: u8) -> Result<Vec<f64>> {
    let bytes = image(digit)?;
    Ok(bytes.iter().map(|&byte| f64::from(byte) / 255.0).collect())
}

/// A pool of one thread, on which a digit's own parallelism stays.
///
/// # Errors
/// If there is no thread to be had.
pub fn one_core() -> Result<rayon::ThreadPool> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(1).build()?)
}
