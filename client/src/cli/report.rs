//! What came of a run, for people and for programs.
//!
//! **Invariant:** every time is a median over all images, of equal shares where several went in one
//! request, and every figure was measured in this run.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::Answer;

/// One image.
pub struct Outcome {
    /// The file, with the place in it.
    pub name: String,
    /// What the model says.
    pub answer: Answer,
    /// What it is, where that is known.
    pub label: Option<usize>,
    /// Time to encrypt it; this and what follows is its share of its batch.
    pub encrypt: Duration,
    /// Time from the request to the end of the reply.
    pub round_trip: Duration,
    /// The server's own time for the arithmetic, where it tells.
    pub evaluate: Option<Duration>,
    /// Time to decrypt the reply.
    pub decrypt: Duration,
    /// Bytes sent.
    pub sent: usize,
    /// Bytes received.
    pub received: usize,
}

/// What is done once.
pub struct Keys {
    /// How many evaluation keys.
    pub count: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Time to make them.
    pub make: Duration,
    /// Time to upload them.
    pub upload: Duration,
}

impl Outcome {
    /// The line for people.
    pub fn line(&self, width: usize) -> String {
        let Answer {
            class,
            name,
            probability,
        } = &self.answer;
        let wrong = self.label.filter(|label| label != class);
        let wrong = wrong.map_or_else(String::new, |label| format!("   wrong: it is {label}"));
        format!(
            "{:<width$}  {name}  {:>6.2} %{wrong}\n",
            self.name,
            100.0 * probability
        )
    }

    fn json(&self) -> Value {
        let Answer {
            class,
            name,
            probability,
        } = &self.answer;
        let mut value = json!({
            "name": self.name, "class": name, "index": class, "probability": probability,
        });
        if let (Some(label), Some(fields)) = (self.label, value.as_object_mut()) {
            fields.insert("label".to_owned(), label.into());
        }
        value
    }
}

/// Outcomes with a label, and how many of them are right.
fn score(outcomes: &[Outcome]) -> Option<(usize, usize)> {
    let labelled = outcomes.iter().filter(|outcome| outcome.label.is_some());
    let count = labelled.clone().count();
    let right = labelled
        .filter(|outcome| outcome.label == Some(outcome.answer.class))
        .count();
    (count > 0).then_some((right, count))
}

/// The middle of the times that there are; nothing if there are none.
fn median(times: impl Iterator<Item = Duration>) -> Option<f64> {
    let mut times: Vec<f64> = times.map(|time| time.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    let (low, high) = (
        times.get(times.len().saturating_sub(1) / 2)?,
        times.get(times.len() / 2)?,
    );
    Some(f64::midpoint(*low, *high))
}

fn milliseconds(time: Option<f64>) -> String {
    time.map_or_else(|| "not told".to_owned(), |time| format!("{time:.2} ms"))
}

fn kilobytes(bytes: usize) -> String {
    format!("{:.1} kB", bytes as f64 / 1e3)
}

/// What follows the images' lines.
pub fn summary(model: &str, keys: &Keys, outcomes: &[Outcome]) -> String {
    let mut text = String::from("\n");
    let mut line = |title: &str, words: String| {
        // Writing to a string doesn't fail.
        let _ = writeln!(text, "{title:<12}{words}");
    };
    if let Some((right, count)) = score(outcomes) {
        let percent = 100.0 * right as f64 / count as f64;
        line("accuracy", format!("{percent:.2} % ({right} of {count})"));
    }
    line("model", model.to_owned());
    let once = |time: Duration| milliseconds(median(std::iter::once(time)));
    let (make, upload) = (once(keys.make), once(keys.upload));
    line(
        "keys",
        format!(
            "{} made in {make}, {} uploaded in {upload}",
            keys.count,
            kilobytes(keys.bytes)
        ),
    );
    let time = |of: fn(&Outcome) -> Duration| milliseconds(median(outcomes.iter().map(of)));
    line("encrypt", time(|outcome| outcome.encrypt));
    line("round trip", time(|outcome| outcome.round_trip));
    let evaluate = median(outcomes.iter().filter_map(|outcome| outcome.evaluate));
    line("  evaluate", milliseconds(evaluate));
    line("decrypt", time(|outcome| outcome.decrypt));
    let bytes = |of: fn(&Outcome) -> usize| kilobytes(outcomes.iter().map(of).max().unwrap_or(0));
    line(
        "sent",
        format!("{} for each image", bytes(|outcome| outcome.sent)),
    );
    line(
        "received",
        format!("{} for each image", bytes(|outcome| outcome.received)),
    );
    if outcomes.len() > 1 {
        line(
            "",
            format!(
                "medians of {} images, each with an equal share of its batch",
                outcomes.len()
            ),
        );
    }
    text
}

/// All of it as one JSON document.
pub fn document(model: &str, keys: &Keys, outcomes: &[Outcome]) -> String {
    let time = |of: fn(&Outcome) -> Duration| median(outcomes.iter().map(of));
    let bytes = |of: fn(&Outcome) -> usize| outcomes.iter().map(of).max();
    let document = json!({
        "model": model,
        "images": outcomes.iter().map(Outcome::json).collect::<Vec<_>>(),
        "accuracy": score(outcomes).map(|(right, count)| right as f64 / count as f64),
        "keys": {
            "count": keys.count,
            "bytes": keys.bytes,
            "make_ms": keys.make.as_secs_f64() * 1e3,
            "upload_ms": keys.upload.as_secs_f64() * 1e3,
        },
        "median_ms": {
            "encrypt": time(|outcome| outcome.encrypt),
            "round_trip": time(|outcome| outcome.round_trip),
            "evaluate": median(outcomes.iter().filter_map(|outcome| outcome.evaluate)),
            "decrypt": time(|outcome| outcome.decrypt),
        },
        "bytes": {
            "sent": bytes(|outcome| outcome.sent),
            "received": bytes(|outcome| outcome.received),
        },
    });
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(class: usize, label: Option<usize>, evaluate_ms: Option<u64>) -> Outcome {
        let millisecond = Duration::from_millis(1);
        Outcome {
            name: "a.png".to_owned(),
            answer: Answer {
                class,
                name: class.to_string(),
                probability: 0.9876,
            },
            label,
            encrypt: millisecond,
            round_trip: 4 * millisecond,
            evaluate: evaluate_ms.map(Duration::from_millis),
            decrypt: millisecond / 2,
            sent: 20_000,
            received: 9_950,
        }
    }

    fn keys() -> Keys {
        Keys {
            count: 5,
            bytes: 1_234,
            make: Duration::from_millis(7),
            upload: Duration::from_secs(1),
        }
    }

    #[track_caller]
    fn check_median(milliseconds: &[u64], expected: Option<f64>) {
        assert_eq!(
            median(milliseconds.iter().copied().map(Duration::from_millis)),
            expected
        );
    }

    #[test]
    fn medians() {
        check_median(&[], None);
        check_median(&[3], Some(3.0));
        check_median(&[9, 1], Some(5.0));
        check_median(&[9, 1, 2], Some(2.0));
    }

    #[test]
    fn lines_say_what_is_wrong() {
        assert_eq!(outcome(7, None, None).line(5), "a.png  7   98.76 %\n");
        assert_eq!(outcome(7, Some(7), None).line(7), "a.png    7   98.76 %\n");
        assert_eq!(
            outcome(7, Some(1), None).line(5),
            "a.png  7   98.76 %   wrong: it is 1\n"
        );
    }

    #[test]
    fn the_summary_has_every_figure() {
        let outcomes = [outcome(7, Some(7), Some(2)), outcome(7, Some(1), None)];
        let expected = "
accuracy    50.00 % (1 of 2)
model       m
keys        5 made in 7.00 ms, 1.2 kB uploaded in 1000.00 ms
encrypt     1.00 ms
round trip  4.00 ms
  evaluate  2.00 ms
decrypt     0.50 ms
sent        20.0 kB for each image
received    9.9 kB for each image
            medians of 2 images, each with an equal share of its batch
";
        assert_eq!(summary("m", &keys(), &outcomes), expected);
        let alone = summary("m", &keys(), &[outcome(7, None, None)]);
        assert!(
            !alone.contains("accuracy") && alone.contains("  evaluate  not told\n"),
            "{alone}"
        );
    }

    #[test]
    fn the_document_has_every_figure() {
        let outcomes = [outcome(7, Some(7), Some(2)), outcome(7, None, None)];
        let document: Value = serde_json::from_str(&document("m", &keys(), &outcomes)).unwrap();
        assert_eq!(document["accuracy"], 1.0);
        assert_eq!(document["images"][0]["label"], 7);
        assert!(document["images"][1].get("label").is_none());
        assert_eq!(document["median_ms"]["evaluate"], 2.0);
        assert_eq!(document["bytes"]["received"], 9_950);
    }
}
