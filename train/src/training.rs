//! The training loop.

use std::time::{Duration, Instant};

use candle_core::backprop::GradStore;
use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::ops::log_softmax;
use candle_nn::optim::{AdamW, Optimizer as _, ParamsAdamW};
use rayon::prelude::*;
use shared::image::PIXELS;

use crate::architecture::Architecture;
use crate::augment::Augmentation;
use crate::evaluate::{Summary, evaluate};
use crate::inputs::{Form, Inputs, Intake};
use crate::mnist::{LabelledImages, Mnist};
use crate::network::{Average, Network};
use crate::random::Random;
use crate::rescale::{centre_logits, equalise_hidden};
use crate::schedule::one_cycle;
use crate::weights::Weights;

/// Layers whose rows read more values than this learn more slowly.
const FULL_RATE_INPUTS: f64 = PIXELS as f64;

/// What a run is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Passes over the training set.
    pub epochs: usize,
    /// Images per step.
    pub batch: usize,
    /// Peak of the learning rate.
    pub learning_rate: f64,
    /// Share of the weights that decays per step at a learning rate of 1.
    pub weight_decay: f64,
    /// Share of the target that is spread over all classes; keeps logits moderate.
    pub smoothing: f64,
    /// Cost of the logits' mean square.
    pub logit_cost: f64,
    /// Where given, longer gradients are shortened to this length.
    pub clip: Option<f64>,
    /// How much of the running mean of the weights each step keeps.
    pub averaging: f64,
    /// How images are changed.
    pub augmentation: Augmentation,
    /// Decides every random choice.
    pub seed: u64,
}

/// What happened in one pass over the training set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Counted from 1.
    pub number: usize,
    /// Of how many.
    pub of: usize,
    /// At its end.
    pub learning_rate: f64,
    /// Mean loss on the augmented images, smoothing and costs included.
    pub train_loss: f64,
    /// Share of right classes on the augmented images.
    pub train_accuracy: f64,
    /// Mean loss on the test images as MNIST has them.
    pub test_loss: f64,
    /// Share of right classes on the same.
    pub test_accuracy: f64,
    /// Share of right classes on the prepared test images.
    pub prepared_accuracy: f64,
    /// Since the run began.
    pub elapsed: Duration,
}

/// What a run made.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The network.
    pub weights: Weights,
    /// Test images as MNIST has them.
    pub raw: Summary,
    /// Prepared test images.
    pub prepared: Summary,
    /// All training and test images in both forms.
    pub all: Summary,
}

/// Independent streams of random numbers.
mod purpose {
    pub(super) const WEIGHTS: u64 = 0;
    pub(super) const ORDER: u64 = 1;
    /// One per image of each epoch from here on.
    pub(super) const IMAGES: u64 = 16;
}

/// Trains a network and tells `watch` about each epoch.
///
/// The test images are only reported, except that they count for the largest logit and hidden
/// value.
///
/// # Errors
/// What the tensor library says.
pub fn train(
    data: &Mnist,
    architecture: &Architecture,
    settings: &Settings,
    mut watch: impl FnMut(&Epoch),
) -> Result<Trained> {
    let mut random = Random::new(settings.seed, purpose::WEIGHTS);
    let network = Network::new(&Weights::random(architecture, &mut random))?;
    let intake = Intake::of(architecture);
    let average = run(data, &intake, settings, &network, &mut watch)?;
    let mut weights = average.network().weights()?;
    centre_logits(&mut weights);
    let [_, _, all] = summarise(data, &weights)?;
    equalise_hidden(&mut weights, &all.hidden);
    let [raw, prepared, all] = summarise(data, &weights)?;
    Ok(Trained {
        weights,
        raw,
        prepared,
        all,
    })
}

fn run(
    data: &Mnist,
    intake: &Intake,
    settings: &Settings,
    network: &Network,
    watch: &mut impl FnMut(&Epoch),
) -> Result<Average> {
    let raw = Inputs::new(&data.test, Form::Raw, intake)?;
    let prepared = Inputs::new(&data.test, Form::Prepared, intake)?;
    let average = Average::new(network, settings.averaging)?;
    let variables = network.variables();
    let mut optimizers = optimizers(network, settings)?;
    let mut random = Random::new(settings.seed, purpose::ORDER);

    let count = data.train.images.len();
    let steps = settings.epochs * count.div_ceil(settings.batch);
    let start = Instant::now();
    let (mut step, mut learning_rate) = (0, 0.0);
    for epoch in 0..settings.epochs {
        let (mut loss_sum, mut correct) = (0.0, 0.0);
        for batch in random.order(count).chunks(settings.batch) {
            let (inputs, labels) = augmented(&data.train, batch, intake, epoch, settings)?;
            let logits = network.forward(&inputs)?.logits;
            let loss = loss(&logits, &labels, settings)?;
            learning_rate = one_cycle(step, steps, settings.learning_rate);
            let mut gradients = loss.backward()?;
            if let Some(limit) = settings.clip {
                shorten(&mut gradients, &variables, limit)?;
            }
            for (optimizer, share) in &mut optimizers {
                optimizer.set_learning_rate(*share * learning_rate);
                optimizer.step(&gradients)?;
            }
            average.update()?;
            step += 1;

            loss_sum += f64::from(loss.to_scalar::<f32>()?) * batch.len() as f64;
            let right = logits.argmax(D::Minus1)?.eq(&labels)?;
            correct += f64::from(right.to_dtype(DType::F32)?.sum_all()?.to_scalar::<f32>()?);
        }
        let test = evaluate(average.network(), &raw)?;
        watch(&Epoch {
            number: epoch + 1,
            of: settings.epochs,
            learning_rate,
            train_loss: loss_sum / count as f64,
            train_accuracy: correct / count as f64,
            test_loss: test.mean_loss(),
            test_accuracy: test.accuracy(),
            prepared_accuracy: evaluate(average.network(), &prepared)?.accuracy(),
            elapsed: start.elapsed(),
        });
    }
    Ok(average)
}

/// One for each layer with weights, and its share of the learning rate. `AdamW` moves every weight by
/// about the rate, so a sum of many products would move further than one of few. Decay goes by the
/// rate, too, but is to be the same in all layers.
fn optimizers(network: &Network, settings: &Settings) -> Result<Vec<(AdamW, f64)>> {
    let of_layer = |[weight, bias]: [&Var; 2]| {
        let share = (FULL_RATE_INPUTS / weight.dim(1)? as f64).min(1.0);
        let parameters = ParamsAdamW {
            weight_decay: settings.weight_decay / share,
            ..ParamsAdamW::default()
        };
        let variables = vec![weight.clone(), bias.clone()];
        Ok((AdamW::new(variables, parameters)?, share))
    };
    network.weighted().map(of_layer).collect()
}

/// A batch of changed images. Each image's change depends on the seed, the epoch and its index
/// only, so the number of threads doesn't matter.
fn augmented(
    set: &LabelledImages,
    batch: &[usize],
    intake: &Intake,
    epoch: usize,
    settings: &Settings,
) -> Result<(Tensor, Tensor)> {
    let change = |&index: &usize| {
        let stream = purpose::IMAGES + (epoch * set.images.len() + index) as u64;
        let mut random = Random::new(settings.seed, stream);
        let image = settings.augmentation.apply(&set.images[index], &mut random);
        intake.values(&image).collect::<Vec<_>>()
    };
    let inputs: Vec<f32> = batch.par_iter().flat_map_iter(change).collect();
    let labels: Vec<_> = batch
        .iter()
        .map(|&index| u32::from(set.labels[index]))
        .collect();
    Ok((
        Tensor::from_vec(inputs, (batch.len(), intake.pixels.len()), &Device::Cpu)?,
        Tensor::from_vec(labels, batch.len(), &Device::Cpu)?,
    ))
}

/// Shortens a gradient, over all variables together, to the limit if it is longer. A square's slope
/// grows with its input, so a few unusual images could throw the weights far off.
fn shorten(gradients: &mut GradStore, variables: &[Var], limit: f64) -> Result<()> {
    let mut squares = 0.0;
    for variable in variables {
        if let Some(gradient) = gradients.get(variable) {
            squares += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
        }
    }
    let length = squares.sqrt();
    if length <= limit {
        return Ok(());
    }
    for variable in variables {
        if let Some(gradient) = gradients.remove(variable) {
            gradients.insert(variable, (gradient * (limit / length))?);
        }
    }
    Ok(())
}

/// Cross entropy with smoothed targets, plus the cost of large logits.
fn loss(logits: &Tensor, labels: &Tensor, settings: &Settings) -> Result<Tensor> {
    let log_probabilities = log_softmax(logits, D::Minus1)?;
    let right = log_probabilities
        .gather(&labels.unsqueeze(1)?, 1)?
        .mean_all()?;
    let any = log_probabilities.mean_all()?;
    let entropy = ((right * (settings.smoothing - 1.0))? - (any * settings.smoothing)?)?;
    entropy + (logits.sqr()?.mean_all()? * settings.logit_cost)?
}

/// Raw test, prepared test, and everything.
fn summarise(data: &Mnist, weights: &Weights) -> Result<[Summary; 3]> {
    let network = Network::new(weights)?;
    let intake = Intake::of(&weights.architecture);
    let over = |set, form| evaluate(&network, &Inputs::new(set, form, &intake)?);
    let raw = over(&data.test, Form::Raw)?;
    let prepared = over(&data.test, Form::Prepared)?;
    let all = over(&data.train, Form::Raw)?
        .and(&over(&data.train, Form::Prepared)?)
        .and(&raw)
        .and(&prepared);
    Ok([raw, prepared, all])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gradient (3, 4), after shortening.
    fn shortened(limit: f64) -> [f32; 2] {
        let variables = [3.0_f32, 4.0].map(|value| Var::new(value, &Device::Cpu).unwrap());
        let squares = (variables[0].sqr().unwrap() + variables[1].sqr().unwrap()).unwrap();
        let mut gradients = (squares / 2.0).unwrap().backward().unwrap();
        shorten(&mut gradients, &variables, limit).unwrap();
        [&variables[0], &variables[1]]
            .map(|variable| gradients.get(variable).unwrap().to_scalar().unwrap())
    }

    #[test]
    fn only_long_gradients_are_shortened() {
        assert_eq!(shortened(5.5), [3.0, 4.0]);
        let [first, second] = shortened(1.0);
        assert!((first - 0.6).abs() < 1e-6, "{first}");
        assert!((second - 0.8).abs() < 1e-6, "{second}");
    }
}
