//! The decrypted answer.

/// One number per class, larger for likelier classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Logits(Vec<f64>);

impl Logits {
    pub(crate) fn new(values: Vec<f64>) -> Self {
        Self(values)
    }

    /// The logits in the order of the model's classes.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// The index of the largest logit.
    #[must_use]
    pub fn argmax(&self) -> usize {
        let best = self
            .0
            .iter()
            .enumerate()
            .max_by(|(_, a), (_, b)| a.total_cmp(b));
        best.map_or(0, |(class, _)| class)
    }

    /// The softmax of the logits; they add up to 1.
    #[must_use]
    pub fn probabilities(&self) -> Vec<f64> {
        let largest = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = self.0.iter().map(|logit| (logit - largest).exp()).collect();
        let total: f64 = powers.iter().sum();
        powers.into_iter().map(|power| power / total).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_the_softmax() {
        let logits = Logits::new(vec![1000.0, 1000.0 + 3f64.ln(), f64::MIN]);
        let probabilities = logits.probabilities();
        for (got, want) in probabilities.iter().zip([0.25, 0.75, 0.0]) {
            assert!((got - want).abs() < 1e-12, "{probabilities:?}");
        }
        assert_eq!(logits.argmax(), 1);
    }
}
