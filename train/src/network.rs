//! Networks as the tensor library computes them.

use candle_core::{Device, Result, Tensor, Var};

use crate::architecture::{Architecture, Layer, Shape};
use crate::patches;
use crate::weights::{LayerWeights, Weights, mask};

/// A network that can be trained.
#[derive(Clone, Debug)]
pub struct Network {
    architecture: Architecture,
    steps: Vec<Step>,
}

/// One step of the computation. Values are a matrix with one row per image, or maps: channel,
/// position, image.
#[derive(Clone, Debug)]
enum Step {
    /// From rows to maps of one channel.
    ToMaps,
    Convolution {
        /// Which values each kernel place meets at each position.
        patches: Tensor,
        weight: Var,
        bias: Var,
    },
    /// The values that are averaged.
    AveragePool(Vec<Tensor>),
    Square,
    /// From maps to rows; rows stay as they are.
    ToRows,
    Dense {
        weight: Var,
        /// 1 where there may be weights, else 0; those start at zero and stay there.
        mask: Option<Tensor>,
        bias: Var,
    },
}

/// What a network computes on a batch.
pub struct Activations {
    /// What goes into each square: one row per channel or unit, one column per position and image.
    pub hidden: Vec<Tensor>,
    /// One row per image.
    pub logits: Tensor,
}

impl Network {
    /// A network with these weights.
    ///
    /// # Errors
    /// What the tensor library says, such as sizes that don't fit.
    pub fn new(weights: &Weights) -> Result<Self> {
        let architecture = weights.architecture.clone();
        let mut steps = Vec::new();
        let mut numbers = weights.layers.iter();
        if architecture.layers.first() != Some(&Layer::Flatten) {
            steps.push(Step::ToMaps);
        }
        for (layer, before) in architecture.steps() {
            let numbers = layer.weights(before).and_then(|_| numbers.next());
            steps.push(Step::new(&architecture, layer, before, numbers)?);
        }
        Ok(Self {
            architecture,
            steps,
        })
    }

    /// The weights as plain numbers.
    ///
    /// # Errors
    /// What the tensor library says.
    pub fn weights(&self) -> Result<Weights> {
        let numbers = |var: &Var| var.flatten_all()?.to_vec1();
        let layers = self.weighted().map(|[weight, bias]| {
            Ok(LayerWeights {
                weight: numbers(weight)?,
                bias: numbers(bias)?,
            })
        });
        Ok(Weights {
            architecture: self.architecture.clone(),
            layers: layers.collect::<Result<_>>()?,
        })
    }

    /// Weights and biases of each layer that has them, in order.
    pub fn weighted(&self) -> impl Iterator<Item = [&Var; 2]> {
        self.steps.iter().filter_map(|step| match step {
            Step::Convolution { weight, bias, .. } | Step::Dense { weight, bias, .. } => {
                Some([weight, bias])
            }
            _ => None,
        })
    }

    /// What is trained.
    #[must_use]
    pub fn variables(&self) -> Vec<Var> {
        self.weighted().flatten().cloned().collect()
    }

    /// Runs the network.
    ///
    /// # Shapes
    /// `inputs`: one row per image, one column per pixel of the network.
    /// # Errors
    /// What the tensor library says.
    pub fn forward(&self, inputs: &Tensor) -> Result<Activations> {
        let mut hidden = Vec::new();
        let mut values = inputs.clone();
        for step in &self.steps {
            if matches!(step, Step::Square) {
                hidden.push(by_channel(&values)?);
            }
            values = step.run(&values)?;
        }
        Ok(Activations {
            hidden,
            logits: values,
        })
    }
}

/// One row per channel or unit.
fn by_channel(values: &Tensor) -> Result<Tensor> {
    match values.rank() {
        3 => values.flatten_from(1),
        _ => values.t(),
    }
}

impl Step {
    fn new(
        architecture: &Architecture,
        layer: Layer,
        before: Shape,
        numbers: Option<&LayerWeights>,
    ) -> Result<Self> {
        let var = |values: &[f32], shape: &[usize]| Var::from_slice(values, shape, &Device::Cpu);
        let numbers =
            || numbers.ok_or_else(|| candle_core::Error::msg("fewer weights than the layers need"));
        Ok(match layer {
            Layer::Convolution {
                kernel,
                stride,
                padding,
                ..
            } => {
                let numbers = numbers()?;
                let rows = numbers.rows();
                Self::Convolution {
                    patches: patches::of_convolution(before, kernel, stride, padding)?,
                    weight: var(&numbers.weight, &[rows, before.channels * kernel * kernel])?,
                    bias: var(&numbers.bias, &[rows, 1])?,
                }
            }
            Layer::Dense { windows, .. } => {
                let numbers = numbers()?;
                let shape = (numbers.rows(), before.values());
                let mask = windows.then(|| mask(architecture, shape.0)).flatten();
                let mask = mask.map(|mask| Tensor::from_vec(mask, shape, &Device::Cpu));
                Self::Dense {
                    weight: var(&numbers.weight, &[shape.0, shape.1])?,
                    mask: mask.transpose()?,
                    bias: var(&numbers.bias, &[shape.0])?,
                }
            }
            Layer::AveragePool { size } => Self::AveragePool(patches::of_pool(before, size)?),
            Layer::Square => Self::Square,
            Layer::Flatten => Self::ToRows,
        })
    }

    fn run(&self, values: &Tensor) -> Result<Tensor> {
        match self {
            Self::ToMaps => values.t()?.contiguous()?.unsqueeze(0),
            Self::Convolution {
                patches,
                weight,
                bias,
            } => {
                let images = values.dim(2)?;
                let (channels, places) = weight.dims2()?;
                let met = values.flatten_to(1)?.index_select(patches, 0)?;
                weight
                    .matmul(&met.reshape((places, ()))?)?
                    .broadcast_add(bias)?
                    .reshape((channels, (), images))
            }
            Self::AveragePool(places) => {
                let (channels, _, images) = values.dims3()?;
                let values = values.flatten_to(1)?;
                let mut sum = values.index_select(&places[0], 0)?;
                for place in &places[1..] {
                    sum = (sum + values.index_select(place, 0)?)?;
                }
                (sum / places.len() as f64)?.reshape((channels, (), images))
            }
            Self::Square => values.sqr(),
            Self::ToRows => match values.rank() {
                3 => values.flatten_to(1)?.t(),
                _ => Ok(values.clone()),
            },
            Self::Dense { weight, mask, bias } => {
                let weight = match mask {
                    Some(mask) => weight.mul(mask)?,
                    None => weight.as_tensor().clone(),
                };
                values.matmul(&weight.t()?)?.broadcast_add(bias)
            }
        }
    }
}

/// A running mean of a network's weights, which classifies better than its last step.
pub struct Average {
    decay: f64,
    variables: Vec<Var>,
    network: Network,
}

impl Average {
    /// Starts at the network as it is; each step keeps `decay` of the mean.
    ///
    /// # Errors
    /// What the tensor library says.
    pub fn new(of: &Network, decay: f64) -> Result<Self> {
        let network = Network::new(&of.weights()?)?;
        Ok(Self {
            decay,
            variables: of.variables(),
            network,
        })
    }

    /// Counts the weights as they are now.
    ///
    /// # Errors
    /// What the tensor library says.
    pub fn update(&self) -> Result<()> {
        for (mean, now) in self.network.variables().iter().zip(&self.variables) {
            let kept = (mean.as_tensor() * self.decay)?;
            mean.set(&(kept + (now.as_tensor() * (1.0 - self.decay))?)?)?;
        }
        Ok(())
    }

    /// The network with the mean weights.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mnist::CLASSES;
    use crate::random::Random;

    fn convolutional() -> Architecture {
        Architecture {
            layers: vec![
                Layer::Convolution {
                    channels: 2,
                    kernel: 5,
                    stride: 2,
                    padding: 1,
                },
                Layer::Square,
                Layer::Convolution {
                    channels: 3,
                    kernel: 4,
                    stride: 3,
                    padding: 2,
                },
                Layer::Square,
                Layer::AveragePool { size: 2 },
                Layer::Flatten,
                Layer::Dense {
                    units: CLASSES,
                    windows: false,
                },
            ],
            threshold: None,
            precision_bits: None,
        }
    }

    /// The logits of three images, each times a number of its own, summed.
    fn sum(network: &Network) -> Tensor {
        let mut random = Random::new(21, 0);
        let mut draw = |count: usize, shape: (usize, usize)| {
            let values: Vec<_> = (0..count).map(|_| random.uniform(-1.0, 1.0)).collect();
            Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
        };
        let (images, factors) = (draw(3 * 784, (3, 784)), draw(30, (3, 10)));
        let logits = network.forward(&images).unwrap().logits;
        (logits * factors).unwrap().sum_all().unwrap()
    }

    /// How fast the sum grows with one number of a layer, by a central difference.
    fn slope(weights: &Weights, layer: usize, is_bias: bool, at: usize) -> f32 {
        const STEP: f32 = 0.01;
        let moved = |by: f32| {
            let mut weights = weights.clone();
            let layer = &mut weights.layers[layer];
            if is_bias {
                layer.bias[at] += by;
            } else {
                layer.weight[at] += by;
            }
            let network = Network::new(&weights).unwrap();
            sum(&network).to_scalar::<f32>().unwrap()
        };
        (moved(STEP) - moved(-STEP)) / (2.0 * STEP)
    }

    #[test]
    fn gradients_are_slopes() {
        let weights = Weights::random(&convolutional(), &mut Random::new(22, 0));
        let network = Network::new(&weights).unwrap();
        let gradients = sum(&network).backward().unwrap();
        for (index, variable) in network.variables().iter().enumerate() {
            let gradient = gradients.get(variable).unwrap().flatten_all().unwrap();
            let gradient = gradient.to_vec1::<f32>().unwrap();
            let largest = gradient.iter().fold(0.0, |a: f32, b| a.max(b.abs()));
            assert!(largest > 0.0);
            for (at, expected) in gradient.iter().enumerate() {
                let found = slope(&weights, index / 2, index % 2 == 1, at);
                assert!(
                    (found - expected).abs() < 0.01 * largest,
                    "variable {index}, number {at}: {found}, gradient {expected}"
                );
            }
        }
    }
}
