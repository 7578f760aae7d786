//! The card that lies beside a model.

use std::fmt::Write as _;

use crate::architecture::Architecture;
use crate::augment::{Augmentation, Interpolation};
use crate::evaluate::{Range, Summary};
use crate::mnist::CLASSES;
use crate::rescale::HIDDEN_LIMIT;
use crate::statistics::Statistics;
use crate::training::{Settings, Trained};

/// Rows that only a measurement on ciphertexts can fill.
const TO_MEASURE: &str = "*to be measured*";

/// What a card tells besides the shipped run's own figures.
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

/// How one of several runs ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What decided its random choices.
    pub seed: u64,
    /// Test images as MNIST has them.
    pub raw: Summary,
    /// Prepared test images.
    pub prepared: Summary,
}

/// The card as Markdown; `runs` starts with the shipped one.
#[must_use]
pub fn card(origin: &Origin<'_>, settings: &Settings, trained: &Trained, runs: &[Run]) -> String {
    let Origin {
        name,
        description,
        command,
        file_bytes,
        logit_bound,
        minutes,
    } = origin;
    let architecture = &trained.weights.architecture;
    let (raw, prepared, all) = (&trained.raw, &trained.prepared, &trained.all);
    let as_they_are = match architecture.threshold {
        None => "as they are",
        Some(_) => "binarised",
    };
    format!(
        "# {name}

{description}

| | |
|---|---|
| architecture | {layers}: {operators}; ordinary ONNX, opset 17 |
| input | {input} |
| output | `logits`, batch × {CLASSES} |
| parameters in use | {parameters} |
| file | {file_bytes} bytes |
| licence | Apache-2.0 OR MIT |

## Accuracy
| on | right | accuracy |
|---|---|---|
| 10,000 MNIST test images {as_they_are}, plain | {raw_right} | {raw_percent} |
| the same through `shared::image::prepare`{then}, plain | {prepared_right} | {prepared_percent} |
| encrypted | {TO_MEASURE} | {TO_MEASURE} |

{seeds}## Range
Over all training and test images, as they are and prepared:

| | |
|---|---|
| largest logit | ±{largest_logit:.2} |
| `inkveil.logit_bound` in the file's metadata | {logit_bound} |
{hidden}
## Encrypted
| | |
|---|---|
| parameter set | {TO_MEASURE} |
| evaluation keys, upload once | {TO_MEASURE} |
| upload per digit | {TO_MEASURE} |
| download per digit | {TO_MEASURE} |
| evaluator's time per digit | {TO_MEASURE} |

## How it was made
Data: MNIST, 60,000 training images. Within the run the test images are only reported, and count for the ranges above; the settings were picked after shorter runs whose test accuracy was seen. {change}

```
{command}
```

{recipe} Afterwards the logits' common mean is taken off and every channel or unit before a square is scaled to the same largest magnitude; neither changes a probability. Training took {minutes:.0} minutes.

![Loss and errors over the epochs]({name}.svg)
",
        layers = architecture.describe(),
        operators = operators(architecture),
        input = input(architecture),
        parameters = trained.weights.in_use(),
        raw_right = right(raw),
        raw_percent = percent(raw.accuracy()),
        then = architecture.threshold.map_or("", |_| ", then binarised"),
        prepared_right = right(prepared),
        prepared_percent = percent(prepared.accuracy()),
        seeds = seeds(runs),
        largest_logit = all.largest_logit,
        hidden = hidden(&all.hidden),
        change = change(&settings.augmentation, architecture),
        recipe = recipe(settings),
    )
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

fn right(summary: &Summary) -> String {
    format!("{} of {}", summary.correct, summary.images)
}

fn operators(architecture: &Architecture) -> String {
    architecture
        .operators()
        .join(", ")
        .replace("Mul", "Mul(h, h)")
}

fn input(architecture: &Architecture) -> String {
    let mut input = "`image`, batch × 1 × 28 × 28, ink 1 on paper 0".to_owned();
    if let Some(threshold) = architecture.threshold {
        input += &format!(
            ", binarised before it goes in: a pixel of at least {threshold} \
             (`inkveil.threshold` in the file's metadata) counts as 1, any other as 0"
        );
    }
    if architecture.has_windows() {
        input += "; hidden unit `u` looks at a window of 16×16 pixels, one of sixteen by \
                  `u mod 16`; all other weights are exactly 0";
    }
    input
}

/// One row for each square.
fn hidden(ranges: &[Range]) -> String {
    let mut rows = String::new();
    for (index, range) in ranges.iter().enumerate() {
        let which = match ranges.len() {
            1 => "the square".to_owned(),
            _ => format!("square {}", index + 1),
        };
        // Writing to a string can't fail.
        let _ = writeln!(
            rows,
            "| hidden values before {which} | root mean square {:.2}, \
             largest ±{HIDDEN_LIMIT:.2} in every channel or unit |",
            range.rms(),
        );
    }
    rows
}

/// The section on several runs, if there were any.
fn seeds(runs: &[Run]) -> String {
    if runs.len() < 2 {
        return String::new();
    }
    let row = |run: &Run| {
        let [raw, prepared] = [&run.raw, &run.prepared].map(|of| percent(of.accuracy()));
        format!("| {} | {raw} | {prepared} |\n", run.seed)
    };
    let statistics = [
        |run: &Run| run.raw.accuracy(),
        |run: &Run| run.prepared.accuracy(),
    ]
    .map(|of| Statistics::of(&runs.iter().map(of).collect::<Vec<_>>()));
    let row_of = |name: &str, figure: fn(&Statistics) -> String| {
        let [raw, prepared] = statistics.each_ref().map(figure);
        format!("| {name} | {raw} | {prepared} |\n")
    };
    [
        "## Other seeds\n".to_owned(),
        format!(
            "The same with {} seeds, on the test images as above. The file is the first seed's, \
             whatever the others reach.\n\n",
            runs.len()
        ),
        "| seed | plain | prepared |\n|---|---|---|\n".to_owned(),
        runs.iter().map(row).collect(),
        row_of("mean", |of| percent(of.mean)),
        row_of("variance, in squared percentage points", |of| {
            format!("{:.4}", 1e4 * of.variance)
        }),
        row_of("standard deviation, in percentage points", |of| {
            format!("{:.3}", 100.0 * of.deviation())
        }),
        "\n".to_owned(),
    ]
    .concat()
}

fn change(change: &Augmentation, architecture: &Architecture) -> String {
    let Augmentation {
        rotation,
        shear,
        shift,
        weight,
        ..
    } = change;
    let share = match change.untouched {
        0.0 => "Each image".to_owned(),
        untouched => format!(
            "{} % of the images are taken as they are; each other one",
            100.0 * untouched
        ),
    };
    format!(
        "{share} is changed anew in every epoch{}: rotation ±{rotation}°, scale ±{} % per axis, \
         shear ±{shear}, shift ±{shift} pixels, stroke ±{weight} pixels; {} % pass through \
         `shared::image::prepare` afterwards, like a drawing on the page.{}",
        match change.between {
            Interpolation::Linear => "",
            Interpolation::Cubic => " (Catmull and Rom's cubics between pixels)",
        },
        100.0 * change.scale,
        100.0 * change.prepared,
        architecture
            .threshold
            .map_or("", |_| " Last of all, it is binarised."),
    )
}

fn recipe(settings: &Settings) -> String {
    let Settings {
        seed,
        epochs,
        batch,
        learning_rate,
        weight_decay,
        smoothing,
        logit_cost,
        averaging,
        ..
    } = settings;
    let clip = settings.clip.map_or_else(String::new, |limit| {
        format!(", gradients no longer than {limit}")
    });
    format!(
        "Seed {seed}; {epochs} epochs of batches of {batch}; AdamW with one cycle up to \
         {learning_rate} and weight decay {weight_decay}{clip}; label smoothing {smoothing}, logit \
         cost {logit_cost}; running mean of the weights with decay {averaging}."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_runs_are_listed_with_mean_and_spread() {
        let of = |correct| Summary {
            images: 100,
            correct,
            ..Summary::default()
        };
        let run = |seed, correct| Run {
            seed,
            raw: of(correct),
            prepared: of(90),
        };
        assert_eq!(seeds(&[run(1, 98)]), "");
        let table = seeds(&[run(1, 98), run(2, 96)]);
        for row in [
            "| 2 | 96.00 % | 90.00 % |",
            "| mean | 97.00 % | 90.00 % |",
            "| variance, in squared percentage points | 2.0000 | 0.0000 |",
            "| standard deviation, in percentage points | 1.414 | 0.000 |",
        ] {
            assert!(table.contains(row), "{table}");
        }
    }
}
