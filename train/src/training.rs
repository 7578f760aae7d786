//! The training loop.

use std::time::{Duration, Instant};

use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::ops::log_softmax;
use candle_nn::optim::{AdamW, Optimizer as _, ParamsAdamW};
use rayon::prelude::*;

use crate::augment::Augmentation;
use crate::evaluate::{Summary, evaluate};
use crate::fields;
use crate::inputs::{Form, Inputs};
use crate::mnist::{LabelledImages, Mnist};
use crate::network::{Average, Network, Weights};
use crate::random::Random;
use crate::rescale::{centre_logits, equalise_hidden};
use crate::schedule::one_cycle;

/// What a run is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Hidden units.
    pub hidden: usize,
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
pub fn train(data: &Mnist, settings: &Settings, mut watch: impl FnMut(&Epoch)) -> Result<Trained> {
    let pixels = fields::pixels();
    let mask = fields::mask(&pixels, settings.hidden);
    let mut random = Random::new(settings.seed, purpose::WEIGHTS);
    let network = Network::new(&Weights::random(pixels, &mask, &mut random))?;
    let average = run(data, settings, &network, &mut watch)?;
    let mut weights = average.network().weights()?;
    centre_logits(&mut weights);
    let [_, _, all] = summarise(data, &weights)?;
    equalise_hidden(&mut weights, &all.largest_hidden);
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
    settings: &Settings,
    network: &Network,
    watch: &mut impl FnMut(&Epoch),
) -> Result<Average> {
    let pixels = network.weights()?.pixels;
    let raw = Inputs::new(&data.test, Form::Raw, &pixels)?;
    let prepared = Inputs::new(&data.test, Form::Prepared, &pixels)?;
    let average = Average::new(network, settings.averaging)?;
    let parameters = ParamsAdamW {
        weight_decay: settings.weight_decay,
        ..ParamsAdamW::default()
    };
    let mut optimizer = AdamW::new(network.variables(), parameters)?;
    let mut random = Random::new(settings.seed, purpose::ORDER);

    let count = data.train.images.len();
    let steps = settings.epochs * count.div_ceil(settings.batch);
    let start = Instant::now();
    let mut step = 0;
    for epoch in 0..settings.epochs {
        let (mut loss_sum, mut correct) = (0.0, 0.0);
        for batch in random.order(count).chunks(settings.batch) {
            let (inputs, labels) = augmented(&data.train, batch, &pixels, epoch, settings)?;
            let logits = network.forward(&inputs)?.logits;
            let loss = loss(&logits, &labels, settings)?;
            optimizer.set_learning_rate(one_cycle(step, steps, settings.learning_rate));
            optimizer.backward_step(&loss)?;
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
            learning_rate: optimizer.learning_rate(),
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

/// A batch of changed images. Each image's change depends on the seed, the epoch and its index
/// only, so the number of threads doesn't matter.
fn augmented(
    set: &LabelledImages,
    batch: &[usize],
    pixels: &[usize],
    epoch: usize,
    settings: &Settings,
) -> Result<(Tensor, Tensor)> {
    let change = |&index: &usize| {
        let stream = purpose::IMAGES + (epoch * set.images.len() + index) as u64;
        let mut random = Random::new(settings.seed, stream);
        let image = settings.augmentation.apply(&set.images[index], &mut random);
        pixels.iter().map(move |&pixel| image[pixel])
    };
    let inputs: Vec<f32> = batch.par_iter().flat_map_iter(change).collect();
    let labels: Vec<_> = batch
        .iter()
        .map(|&index| u32::from(set.labels[index]))
        .collect();
    Ok((
        Tensor::from_vec(inputs, (batch.len(), pixels.len()), &Device::Cpu)?,
        Tensor::from_vec(labels, batch.len(), &Device::Cpu)?,
    ))
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
    let over = |set, form| evaluate(&network, &Inputs::new(set, form, &weights.pixels)?);
    let raw = over(&data.test, Form::Raw)?;
    let prepared = over(&data.test, Form::Prepared)?;
    let all = over(&data.train, Form::Raw)?
        .and(&over(&data.train, Form::Prepared)?)
        .and(&raw)
        .and(&prepared);
    Ok([raw, prepared, all])
}
