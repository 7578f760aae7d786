//! The card that lies beside a model.

use crate::evaluate::Summary;
use crate::mnist::CLASSES;
use crate::training::{Settings, Trained};

/// Rows that only a measurement on ciphertexts can fill.
const TO_MEASURE: &str = "*to be measured*";

/// What a card tells besides the run's own figures.
pub struct Origin<'a> {
    /// Name of the model and of its files.
    pub name: &'a str,
    /// The file's description.
    pub description: &'a str,
    /// The command that makes it.
    pub command: &'a str,
    /// Bytes of the ONNX file.
    pub file_bytes: usize,
    /// What the file states as bound on the logits.
    pub logit_bound: u32,
    /// Minutes that training took.
    pub minutes: f64,
}

/// The card as Markdown.
#[must_use]
pub fn card(origin: &Origin<'_>, settings: &Settings, trained: &Trained) -> String {
    let Origin {
        name,
        description,
        command,
        file_bytes,
        logit_bound,
        minutes,
    } = origin;
    let Settings {
        hidden,
        epochs,
        batch,
        seed,
        augmentation: change,
        ..
    } = settings;
    let percent = |summary: &Summary| format!("{:.2} %", 100.0 * summary.accuracy());
    let right = |summary: &Summary| format!("{} of {}", summary.correct, summary.images);
    let (raw, prepared, all) = (&trained.raw, &trained.prepared, &trained.all);
    let largest_hidden = all.largest_hidden.iter().copied().fold(0.0, f32::max);
    let used = trained
        .weights
        .first
        .iter()
        .filter(|&&weight| weight != 0.0);
    let parameters = used.count() + hidden + hidden * CLASSES + CLASSES;
    format!(
        "# {name}

{description}

| | |
|---|---|
| architecture | 784-{hidden}-x²-{CLASSES}: Flatten, Gemm, Mul(h, h), Gemm; ordinary ONNX, opset 17 |
| input | `image`, batch × 1 × 28 × 28, ink 1 on paper 0; hidden unit `u` looks at a window of 16×16 pixels, one of sixteen by `u mod 16`; all other weights are exactly 0 |
| output | `logits`, batch × {CLASSES} |
| parameters in use | {parameters} |
| file | {file_bytes} bytes |
| licence | Apache-2.0 OR MIT |

## Accuracy
| on | right | accuracy |
|---|---|---|
| 10,000 MNIST test images as they are, plain | {raw_right} | {raw_percent} |
| the same through `shared::image::prepare`, plain | {prepared_right} | {prepared_percent} |
| encrypted | {TO_MEASURE} | {TO_MEASURE} |

## Range
Over all training and test images, as they are and prepared:

| | |
|---|---|
| largest logit | ±{largest_logit:.2} |
| `inkveil.logit_bound` in the file's metadata | {logit_bound} |
| hidden values before the square | root mean square {rms:.2}, largest ±{largest_hidden:.2} in every unit |

## Encrypted
| | |
|---|---|
| parameter set | {TO_MEASURE} |
| evaluation keys, upload once | {TO_MEASURE} |
| upload per digit | {TO_MEASURE} |
| download per digit | {TO_MEASURE} |
| evaluator's time per digit | {TO_MEASURE} |

## How it was made
Data: MNIST, 60,000 training images. Within the run the test images are only reported, and count for the ranges above; the settings were picked after shorter runs whose test accuracy was seen. Each image is changed anew in every epoch: rotation ±{rotation}°, scale ±{scale} % per axis, shear ±{shear}, shift ±{shift} pixels, stroke ±{weight} pixels; {share} % pass through `shared::image::prepare` afterwards, like a drawing on the page.

```
{command}
```

Seed {seed}; {epochs} epochs of batches of {batch}; AdamW with one cycle up to {rate} and weight decay {decay}; label smoothing {smoothing}, logit cost {cost}; running mean of the weights with decay {averaging}. Afterwards the logits' common mean is taken off and every hidden unit is scaled to the same largest magnitude; neither changes a probability. Training took {minutes:.0} minutes.

![Loss and errors over the epochs]({name}.svg)
",
        raw_right = right(raw),
        raw_percent = percent(raw),
        prepared_right = right(prepared),
        prepared_percent = percent(prepared),
        largest_logit = all.largest_logit,
        rms = all.hidden_rms(),
        rotation = change.rotation,
        scale = 100.0 * change.scale,
        shear = change.shear,
        shift = change.shift,
        weight = change.weight,
        share = 100.0 * change.prepared,
        rate = settings.learning_rate,
        decay = settings.weight_decay,
        smoothing = settings.smoothing,
        cost = settings.logit_cost,
        averaging = settings.averaging,
    )
}
