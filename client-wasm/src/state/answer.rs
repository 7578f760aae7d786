//! What the model said of a drawing.
//!
//! **Invariant:** there is one [`DigitAnswer`] for each digit that was sent, in the same order.

/// How far the likeliest class has to be ahead of the next one for the model to be sure.
const SURE: f64 = 0.25;

/// A decrypted answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Id of the model that gave it.
    pub model: String,
    /// One for each digit of the drawing, from left to right.
    pub digits: Vec<DigitAnswer>,
}

impl Answer {
    /// True if the model is sure of every digit.
    pub fn is_sure(&self) -> bool {
        self.digits.iter().all(DigitAnswer::is_sure)
    }
}

/// What the model said of one digit.
#[derive(Clone, Debug, PartialEq)]
pub struct DigitAnswer {
    /// One for each class; they add up to one.
    probabilities: Vec<f64>,
}

impl DigitAnswer {
    /// An answer with these probabilities, one for each class.
    pub fn new(probabilities: Vec<f64>) -> Self {
        Self { probabilities }
    }

    /// One for each class; they add up to one.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// The likeliest class.
    pub fn class(&self) -> usize {
        self.likeliest(None).unwrap_or(0)
    }

    /// The likeliest class after the first, if there are two.
    pub fn runner_up(&self) -> Option<usize> {
        self.likeliest(Some(self.class()))
    }

    /// How likely a class is.
    pub fn probability(&self, class: usize) -> f64 {
        self.probabilities.get(class).copied().unwrap_or(0.0)
    }

    /// True unless the two likeliest classes are close.
    pub fn is_sure(&self) -> bool {
        let next = self.runner_up().map_or(0.0, |next| self.probability(next));
        self.probability(self.class()) - next >= SURE
    }

    fn likeliest(&self, without: Option<usize>) -> Option<usize> {
        let classes = (0..self.probabilities.len()).filter(|&class| Some(class) != without);
        classes.reduce(|best, class| {
            if self.probability(class) > self.probability(best) {
                class
            } else {
                best
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(probabilities: &[f64], class: usize, runner_up: Option<usize>, sure: bool) {
        let answer = DigitAnswer::new(probabilities.to_vec());
        assert_eq!(answer.class(), class, "{probabilities:?}");
        assert_eq!(answer.runner_up(), runner_up, "{probabilities:?}");
        assert_eq!(answer.is_sure(), sure, "{probabilities:?}");
    }

    #[test]
    fn an_answer_is_sure_when_the_next_class_is_far_behind() {
        check(&[0.05, 0.9, 0.05], 1, Some(0), true);
        check(&[0.1, 0.4, 0.5], 2, Some(1), false);
        check(&[0.5, 0.5], 0, Some(1), false);
        check(&[1.0], 0, None, true);
        check(&[], 0, None, false);
    }
}
