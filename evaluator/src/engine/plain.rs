//! The engine on plain numbers: what a circuit computes, without cryptography and without noise.
//!
//! Levels, scales and keys are kept and checked as on ciphertexts, so that a circuit that runs here
//! runs there.

use shared::api::{KeySpec, SwitchingKeySpec};
use shared::encoding::{Complex64, Encoder, Scale};
use shared::keys::EvaluationKeys;
use shared::params::Parameters;
use shared::ring::Level;

use super::arithmetic::{check_levels, check_scales};
use super::plaintext::summand_scale;
use super::{Automorphism, Engine, EvalError};

/// Scale at which coefficients are worked out: they come out with this many bits behind the point.
const COEFFICIENT_SCALE: f64 = (1u64 << 36) as f64;

/// The engine on plain numbers, with the levels and slots of a parameter set.
#[derive(Debug)]
pub struct Plain {
    parameters: Parameters,
    encoder: Encoder,
}

/// Plain slots with a level and a scale.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainVector {
    /// The values.
    pub slots: Vec<Complex64>,
    /// Where it stands.
    pub level: Level,
    /// What a ciphertext of it would be multiplied by.
    pub scale: Scale,
}

impl Plain {
    /// An engine for a parameter set.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        let encoder = Encoder::new(parameters.degree());
        Self {
            parameters,
            encoder,
        }
    }

    /// A vector at a level and scale, as the client would encrypt it.
    ///
    /// # Shapes
    /// `slots`: as many as the parameter set has.
    #[must_use]
    pub fn vector(&self, slots: Vec<Complex64>, level: Level, scale: Scale) -> PlainVector {
        debug_assert_eq!(slots.len(), self.parameters.slots());
        PlainVector {
            slots,
            level,
            scale,
        }
    }

    /// The encoder of its ring.
    #[must_use]
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    fn encoded(
        &self,
        values: &[Complex64],
        scale: Scale,
        level: Level,
    ) -> Result<PlainVector, EvalError> {
        // What doesn't fit is refused here, too.
        self.encoder.embed_inverse(values, scale)?;
        let mut slots = values.to_vec();
        slots.resize(self.parameters.slots(), Complex64::ZERO);
        Ok(self.vector(slots, level, scale))
    }

    fn check_key(
        &self,
        automorphism: Automorphism,
        level: Level,
        keys: &KeySpec,
    ) -> Result<(), EvalError> {
        let key = match automorphism {
            Automorphism::Conjugation => keys.conjugation,
            Automorphism::Rotation(step) => {
                let found = keys.rotations.iter().find(|rotation| rotation.step == step);
                found.map(|rotation| rotation.key)
            }
        };
        self.check_level(key, automorphism.key_use(), level)
    }

    fn check_level(
        &self,
        key: Option<SwitchingKeySpec>,
        key_use: shared::wire::KeyUse,
        needed: Level,
    ) -> Result<(), EvalError> {
        let Some(key) = key else {
            return Err(EvalError::missing(key_use, &EvaluationKeys::default()));
        };
        if self.parameters.serves(key.level, needed) {
            Ok(())
        } else {
            Err(EvalError::KeyLevel {
                key: key_use,
                found: key.level,
                needed,
            })
        }
    }

    fn image(&self, a: &PlainVector, automorphism: Automorphism) -> PlainVector {
        let mut image = a.clone();
        match automorphism {
            Automorphism::Conjugation => image.slots.iter_mut().for_each(|x| *x = x.conj()),
            Automorphism::Rotation(step) => {
                let step = step as usize % image.slots.len().max(1);
                image.slots.rotate_left(step);
            }
        }
        image
    }
}

/// Joins two vectors of one level and scale slot by slot.
fn zip(
    mut a: PlainVector,
    b: &PlainVector,
    join: impl Fn(Complex64, Complex64) -> Complex64,
) -> Result<PlainVector, EvalError> {
    check_levels(a.level, b.level)?;
    check_scales(a.scale, b.scale)?;
    let pairs = a.slots.iter_mut().zip(&b.slots);
    pairs.for_each(|(x, &y)| *x = join(*x, y));
    Ok(a)
}

impl Engine for Plain {
    type Ciphertext = PlainVector;
    type Lifted = PlainVector;
    type Plaintext = PlainVector;
    type Addend = PlainVector;
    type Keys = KeySpec;
    /// The coefficients themselves.
    type Part = Vec<f64>;

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn monomial(&self, power: usize, slot: usize) -> Complex64 {
        self.encoder.monomial(power, slot)
    }

    fn encode(
        &self,
        slots: &[Complex64],
        scale: Scale,
        level: Level,
    ) -> Result<PlainVector, EvalError> {
        self.encoded(slots, scale, level)
    }

    fn encode_addend(
        &self,
        slots: &[Complex64],
        scale: Scale,
        level: Level,
    ) -> Result<PlainVector, EvalError> {
        self.encoded(slots, summand_scale(scale).0, level)
            .map(|addend| PlainVector { scale, ..addend })
    }

    fn encode_coefficients(
        &self,
        coefficients: &[f64],
        scale: Scale,
        level: Level,
    ) -> Result<PlainVector, EvalError> {
        let mut all = coefficients.to_vec();
        all.resize(self.parameters.degree(), 0.0);
        let slots = self.encoder.decode(&all, Scale(1.0));
        self.encode_addend(&slots, scale, level)
    }

    fn level(&self, a: &PlainVector) -> Level {
        a.level
    }

    fn lift(&self, a: &PlainVector) -> PlainVector {
        a.clone()
    }

    fn lower(&self, a: &PlainVector) -> Result<PlainVector, EvalError> {
        Ok(a.clone())
    }

    fn rescale(&self, a: &PlainVector) -> Result<PlainVector, EvalError> {
        let below = a.level.0.checked_sub(1).ok_or(EvalError::NoLevelLeft)?;
        let divisor = super::NoiseModel::new(&self.parameters).rescale_divisor(a.level);
        Ok(PlainVector {
            slots: a.slots.clone(),
            level: Level(below),
            scale: Scale(a.scale.0 / divisor),
        })
    }

    fn drop_to(&self, a: &PlainVector, level: Level) -> Result<PlainVector, EvalError> {
        if !self.parameters.serves(a.level, level) {
            return Err(EvalError::Drop {
                from: a.level,
                to: level,
            });
        }
        Ok(PlainVector { level, ..a.clone() })
    }

    fn add(&self, a: PlainVector, b: &PlainVector) -> Result<PlainVector, EvalError> {
        zip(a, b, |x, y| x + y)
    }

    fn sub(&self, a: PlainVector, b: &PlainVector) -> Result<PlainVector, EvalError> {
        zip(a, b, |x, y| x - y)
    }

    fn add_plain(&self, a: PlainVector, b: &PlainVector) -> Result<PlainVector, EvalError> {
        zip(a, b, |x, y| x + y)
    }

    fn mul_plain_sum(
        &self,
        terms: &[(&PlainVector, &PlainVector)],
    ) -> Result<PlainVector, EvalError> {
        let zero = vec![Complex64::ZERO; self.parameters.slots()];
        let first = terms.first();
        let mut sum = PlainVector {
            slots: zero,
            level: first.map_or(Level(0), |(a, _)| a.level),
            scale: first.map_or(Scale(1.0), |(a, b)| Scale(a.scale.0 * b.scale.0)),
        };
        for (a, b) in terms {
            check_levels(sum.level, a.level)?;
            check_levels(sum.level, b.level)?;
            check_scales(sum.scale, Scale(a.scale.0 * b.scale.0))?;
            let pairs = a.slots.iter().zip(&b.slots);
            let sums = sum.slots.iter_mut();
            sums.zip(pairs).for_each(|(sum, (x, y))| *sum += x * y);
        }
        Ok(sum)
    }

    fn square(&self, a: &PlainVector, keys: &KeySpec) -> Result<PlainVector, EvalError> {
        self.multiply(a, a, keys)
    }

    fn multiply(
        &self,
        a: &PlainVector,
        b: &PlainVector,
        keys: &KeySpec,
    ) -> Result<PlainVector, EvalError> {
        let key_use = shared::wire::KeyUse::Relinearization;
        self.check_level(keys.relinearization, key_use, a.level)?;
        self.mul_plain_sum(&[(a, b)])
    }

    fn rotate(
        &self,
        a: &PlainVector,
        automorphism: Automorphism,
        keys: &KeySpec,
    ) -> Result<PlainVector, EvalError> {
        self.check_key(automorphism, a.level, keys)?;
        Ok(self.image(a, automorphism))
    }

    fn rotate_hoisted(
        &self,
        a: &PlainVector,
        automorphisms: &[Automorphism],
        keys: &KeySpec,
    ) -> Result<Vec<PlainVector>, EvalError> {
        let rotate = |&automorphism: &Automorphism| self.rotate(a, automorphism, keys);
        automorphisms.iter().map(rotate).collect()
    }

    fn sum_of_images(
        &self,
        a: &PlainVector,
        automorphisms: &[Automorphism],
        keys: &KeySpec,
    ) -> Result<PlainVector, EvalError> {
        let images = self.rotate_hoisted(a, automorphisms, keys)?;
        images
            .iter()
            .try_fold(a.clone(), |sum, image| self.add(sum, image))
    }

    fn truncate(&self, a: &PlainVector, coefficients: &[usize], _: u32) -> Vec<f64> {
        let all = self
            .encoder
            .embed_inverse(&a.slots, Scale(COEFFICIENT_SCALE));
        let all = all.unwrap_or_default();
        let value = |&at: &usize| all.get(at).map_or(f64::NAN, |&value| value as f64);
        coefficients
            .iter()
            .map(value)
            .map(|value| value / COEFFICIENT_SCALE)
            .collect()
    }
}
