//! The models that ship with Inkveil, and how each is made.

use clap::ValueEnum;

use crate::architecture::{Architecture, Layer};
use crate::augment::{Augmentation, Interpolation};
use crate::mnist::CLASSES;
use crate::training::Settings;

/// A model by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Model {
    /// 784-128-x²-10, units looking through windows: the fast model, one square.
    MnistFast,
    /// Convolution, x², 128, x², 10: the accurate model, two squares.
    MnistAccurate,
    /// LeNet-1 with squares and average pooling.
    #[value(name = "lenet1")]
    LeNet1,
    /// 784-16-x²-10 on binarised images: the smallest model.
    HomomorphicMnist,
}

impl Model {
    /// Name of the model and of its files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MnistFast => "mnist-fast",
            Self::MnistAccurate => "mnist-accurate",
            Self::LeNet1 => "lenet1",
            Self::HomomorphicMnist => "homomorphic-mnist",
        }
    }

    /// The file's description.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::MnistFast => {
                "Reads one handwritten digit, 0 to 9, from a 28×28 drawing: \
                 one hidden layer of 128 squares, trained on MNIST."
            }
            Self::MnistAccurate => {
                "Reads one handwritten digit, 0 to 9, from a 28×28 drawing: \
                 a convolution and a hidden layer with a square after each, trained on MNIST."
            }
            Self::LeNet1 => {
                "Reads one handwritten digit, 0 to 9, from a 28×28 drawing: \
                 LeNet-1 with squares and average pooling, trained on MNIST."
            }
            Self::HomomorphicMnist => {
                "Reads one handwritten digit, 0 to 9, from a binarised 28×28 drawing: \
                 one hidden layer of 16 squares, trained on MNIST."
            }
        }
    }

    /// Its layers.
    #[must_use]
    pub fn architecture(self) -> Architecture {
        let dense = |units| Layer::Dense {
            units,
            windows: false,
        };
        let convolution = |channels, stride, padding| Layer::Convolution {
            channels,
            kernel: 5,
            stride,
            padding,
        };
        let (layers, threshold, precision_bits) = match self {
            Self::MnistFast => {
                let first = Layer::Dense {
                    units: 128,
                    windows: true,
                };
                let layers = vec![Layer::Flatten, first, Layer::Square, dense(CLASSES)];
                (layers, None, Some(6))
            }
            Self::MnistAccurate => {
                let layers = vec![
                    convolution(16, 2, 1),
                    Layer::Square,
                    Layer::Flatten,
                    dense(128),
                    Layer::Square,
                    dense(CLASSES),
                ];
                (layers, None, Some(7))
            }
            Self::LeNet1 => {
                let layers = vec![
                    convolution(4, 1, 0),
                    Layer::Square,
                    Layer::AveragePool { size: 2 },
                    convolution(12, 1, 0),
                    Layer::Square,
                    Layer::AveragePool { size: 2 },
                    Layer::Flatten,
                    dense(CLASSES),
                ];
                (layers, None, Some(8))
            }
            Self::HomomorphicMnist => {
                let layers = vec![Layer::Flatten, dense(16), Layer::Square, dense(CLASSES)];
                (layers, Some(0.5), Some(8))
            }
        };
        Architecture {
            layers,
            threshold,
            precision_bits,
        }
    }

    /// How it is trained unless somebody asks for something else.
    #[must_use]
    pub fn settings(self) -> Settings {
        let fast = Settings {
            epochs: 100,
            batch: 256,
            learning_rate: 0.005,
            weight_decay: 0.04,
            smoothing: 0.05,
            logit_cost: 0.001,
            clip: None,
            averaging: 0.998,
            augmentation: Augmentation::default(),
            seed: 1,
        };
        let sharp = Augmentation {
            between: Interpolation::Cubic,
            ..Augmentation::default()
        };
        let with_originals = Augmentation {
            untouched: 0.25,
            ..Augmentation::default()
        };
        match self {
            Self::MnistFast => fast,
            Self::MnistAccurate => Settings {
                epochs: 50,
                batch: 256,
                learning_rate: 0.0008,
                weight_decay: 1.0,
                clip: Some(1.0),
                augmentation: Augmentation {
                    rotation: 12.0,
                    scale: 0.12,
                    shear: 0.15,
                    ..sharp
                },
                ..fast
            },
            Self::LeNet1 => Settings {
                epochs: 20,
                batch: 128,
                learning_rate: 0.006,
                weight_decay: 0.05,
                clip: Some(1.0),
                augmentation: with_originals,
                ..fast
            },
            Self::HomomorphicMnist => Settings {
                epochs: 25,
                batch: 128,
                learning_rate: 0.004,
                weight_decay: 0.1,
                smoothing: 0.02,
                augmentation: Augmentation {
                    untouched: 0.1,
                    between: Interpolation::Linear,
                    rotation: 6.0,
                    scale: 0.06,
                    shear: 0.07,
                    shift: 0.6,
                    weight: 0.1,
                    prepared: 0.5,
                },
                ..fast
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_stand_between_weights_and_the_classes_come_last() {
        for &model in Model::value_variants() {
            let architecture = model.architecture();
            let steps: Vec<_> = architecture.steps().collect();
            let weighted = |&(layer, before): &(Layer, _)| layer.weights(before).is_some();
            for (at, (layer, _)) in steps.iter().enumerate() {
                if *layer == Layer::Square {
                    assert!(weighted(&steps[at - 1]), "{model:?}");
                    assert!(steps[at..].iter().any(weighted), "{model:?}");
                }
            }
            assert!(steps.iter().filter(|step| weighted(step)).count() <= 4);
            let (last, before) = steps[steps.len() - 1];
            assert!(matches!(last, Layer::Dense { .. }), "{model:?}");
            assert_eq!(last.shape(before).channels, CLASSES, "{model:?}");
        }
    }

    #[test]
    fn names_are_those_of_the_command_line() {
        for &model in Model::value_variants() {
            assert_eq!(model.to_possible_value().unwrap().get_name(), model.name());
        }
    }

    #[test]
    fn sizes_are_those_of_the_literature() {
        let columns = |model: Model| {
            let architecture = model.architecture();
            let weights = |(layer, before): (Layer, _)| layer.weights(before);
            architecture.steps().filter_map(weights).collect::<Vec<_>>()
        };
        assert_eq!(columns(Model::LeNet1), [(4, 25), (12, 100), (10, 192)]);
        assert_eq!(
            columns(Model::MnistAccurate),
            [(16, 25), (128, 16 * 13 * 13), (10, 128)]
        );
        assert_eq!(columns(Model::HomomorphicMnist), [(16, 784), (10, 16)]);
        assert_eq!(columns(Model::MnistFast), [(128, 625), (10, 128)]);
    }
}
