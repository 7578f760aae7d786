//! Requests made before the clock starts, and the answers that they must get.
//!
//! Encryption costs more than a server's work for the same digit, so whoever measures a server
//! beside its clients on one machine encrypts first.
//!
//! **Invariant:** an answer counts as right only if it decrypts to what tract computes of the same
//! file, or is byte for byte one that did.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use client::{ClientKeys, Logits, Plan};
use shared::api::ModelInfo;

use crate::digits::Hand;
use crate::drawings;
use crate::plain::PlainModel;
use crate::root;

/// Logits may be off by this share of their bound, as in the tests of circuits.
const TOLERANCE: f64 = 1.0 / 64.0;

/// One client's keys for a model, with requests that it may send again and again.
pub struct Prepared {
    keys: ClientKeys,
    upload: Vec<u8>,
    requests: Vec<Request>,
}

/// A ciphertext, or a batch of them.
pub struct Request {
    body: Vec<u8>,
    /// The plain logits of each digit.
    truth: Vec<Vec<f64>>,
    /// An answer that was found to be right.
    right: Mutex<Option<Vec<u8>>>,
}

impl Request {
    /// What is sent.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Digits in it.
    #[must_use]
    pub fn digits(&self) -> usize {
        self.truth.len()
    }
}

impl Prepared {
    /// Makes keys for a model of this description, and a request for each size: 1 is a digit alone,
    /// more are a batch. `seed` chooses the hands that draw.
    ///
    /// # Errors
    /// What client or tract say.
    pub fn new(info: ModelInfo, sizes: &[usize], seed: u64) -> Result<Self> {
        let path = root().join(format!("models/{}.onnx", info.id));
        let plain = PlainModel::load(&path, &info.input.shape)?;
        let preparation = info.input.preparation;
        let keys = ClientKeys::generate(Arc::new(Plan::new(info)?))?;
        let upload = keys.evaluation_keys().collect::<Result<Vec<_>, _>>()?;
        let mut drawn = 0;
        let mut draw = || -> Result<(Vec<f64>, Vec<f64>)> {
            let hand = Hand {
                jitter: 0.03,
                seed: seed << 16 | drawn,
                ..Hand::default()
            };
            let pixels = drawings::mnist((drawn % 10) as u8, &hand)?;
            drawn += 1;
            let input: Vec<f64> = pixels.iter().map(|&byte| f64::from(byte) / 255.0).collect();
            let seen = input.iter().map(|&pixel| preparation.apply(pixel) as f32);
            let truth = plain.logits(&seen.collect::<Vec<_>>())?;
            Ok((input, truth))
        };
        let request = |&size: &usize| -> Result<Request> {
            let digits = (0..size).map(|_| draw()).collect::<Result<Vec<_>>>()?;
            let body = match digits.as_slice() {
                [(alone, _)] => keys.encrypt(alone)?,
                several => keys.encrypt_batch(several.iter().map(|(input, _)| &input[..]))?,
            };
            Ok(Request {
                body,
                truth: digits.into_iter().map(|(_, truth)| truth).collect(),
                right: Mutex::new(None),
            })
        };
        let requests = sizes.iter().map(request).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            upload: upload.concat(),
            requests,
            keys,
        })
    }

    /// The model's id.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.keys.plan().info().id
    }

    /// The evaluation keys, as they are uploaded.
    #[must_use]
    pub fn upload(&self) -> &[u8] {
        &self.upload
    }

    /// The requests, in the order of their sizes.
    #[must_use]
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Checks an answer to one of the requests.
    ///
    /// # Errors
    /// The first logit that is wrong, or why the answer can't be read.
    pub fn check(&self, request: &Request, answer: &[u8]) -> Result<()> {
        let mut right = request.right.lock().unwrap_or_else(PoisonError::into_inner);
        if right.as_deref() == Some(answer) {
            return Ok(());
        }
        let found = match request.digits() {
            1 => vec![self.keys.decrypt(answer)?],
            _ => self.keys.decrypt_batch(answer)?,
        };
        ensure!(
            found.len() == request.digits(),
            "{} answers to {} digits",
            found.len(),
            request.digits()
        );
        for (digit, (found, truth)) in found.iter().zip(&request.truth).enumerate() {
            self.compare(found, truth)
                .with_context(|| format!("digit {digit} of {}", request.digits()))?;
        }
        *right = Some(answer.to_vec());
        Ok(())
    }

    fn compare(&self, found: &Logits, truth: &[f64]) -> Result<()> {
        let info = self.keys.plan().info();
        let tolerance = info.output.bound * TOLERANCE;
        for (class, (found, truth)) in found.values().iter().zip(truth).enumerate() {
            ensure!(
                (found - truth).abs() < tolerance,
                "{}: logit {class} is {found}, not {truth}",
                info.id
            );
        }
        Ok(())
    }
}
