//! `report.html`: one file, no scripts, nothing loaded from elsewhere.
//!
//! **Invariant:** it shows values of the report and no others.

mod markup;
mod plot;

use crate::report::{Measured, Operation, Report, Set};
use markup::{element, escape, table, text};
use plot::{Point, Row};

const STYLE: &str = include_str!("page/style.css");

/// The page of a report.
#[must_use]
pub fn draw(report: &Report) -> String {
    let model = &report.model;
    let title = format!("Check of {}", file_name(&model.file));
    let mut body = text("h1", &[], &title);
    body += &text("p", &[("class", "soft")], &about(report));
    body += &text("p", &[("class", "choice")], &report.choice);
    let chosen = report
        .sets
        .iter()
        .find(|set| set.chosen)
        .unwrap_or(&report.sets[0]);
    body += &overview(chosen);
    if let Some(measured) = &chosen.measured {
        body += &operations(measured);
    }
    body += &sets(report);
    let head = format!(
        "<meta charset=\"utf-8\"/><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"/>{}{}",
        text("title", &[], &title),
        element("style", &[], STYLE)
    );
    let main = element("main", &[], &body);
    let page = element("head", &[], &head) + &element("body", &[], &main);
    format!(
        "<!doctype html>\n{}\n",
        element("html", &[("lang", "en")], &page)
    )
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn about(report: &Report) -> String {
    let (model, images) = (&report.model, &report.images);
    let sizes: Vec<String> = model.input_shape.iter().map(usize::to_string).collect();
    let part = if model.steps == model.all_steps {
        format!("all {} steps", model.steps)
    } else {
        format!("steps 0..{} of {}", model.steps, model.all_steps)
    };
    let labels = images
        .labels
        .as_deref()
        .map_or("no labels".to_owned(), |labels| {
            format!("labels of {}", file_name(labels))
        });
    format!(
        "{} → {} outputs, {part}. {} images of {}, {labels}; {} of them were looked at behind each \
         operation.",
        sizes.join("×"),
        model.outputs,
        images.count,
        file_name(&images.source),
        images.watched
    )
}

fn fact(name: &str, value: &str) -> String {
    element(
        "div",
        &[],
        &(text("dt", &[], name) + &text("dd", &[], value)),
    )
}

fn overview(set: &Set) -> String {
    let mut facts = String::new();
    if let Some(parameters) = &set.parameters {
        let security = parameters.security;
        facts += &fact("Parameter set", &parameters.spec.name);
        let ring = format!("2^{}, {} levels", parameters.spec.log_n, parameters.levels);
        facts += &fact("Ring degree N", &ring);
        let bits = format!("{} bits", security.log2_qp);
        facts += &fact("Modulus Q·P", &bits);
        facts += &fact(
            "128-bit line, classical",
            &margin(security.classical_limit, security.classical_margin),
        );
        facts += &fact(
            "128-bit line, quantum",
            &margin(security.quantum_limit, security.quantum_margin),
        );
    }
    if let Some(it) = &set.measured {
        facts += &fact("Time for an image", &milliseconds(it.milliseconds));
        facts += &fact("Keys", &bytes(it.key_bytes));
        facts += &fact(
            "Up / down",
            &format!("{} / {}", bytes(it.upload_bytes), bytes(it.download_bytes)),
        );
        facts += &fact(
            "Peak memory",
            &it.peak_memory_bytes
                .map_or("unknown".to_owned(), |it| bytes(it as usize)),
        );
        facts += &fact("Precision", &format!("{:.1} bits", it.precision_bits));
        let errors = it.outputs;
        facts += &fact("Error, largest", &value(errors.largest));
        facts += &fact(
            "Error, rms (predicted)",
            &format!("{} ({})", value(errors.rms), value(errors.predicted)),
        );
        facts += &fact("Agrees with plain", &share(it.agreement));
        facts += &fact(
            "Accuracy (plain)",
            &format!("{} ({})", share(it.accuracy), share(it.plain_accuracy)),
        );
    }
    text("h2", &[], &format!("The set: {}", set.role)) + &element("dl", &[], &facts)
}

fn margin(limit: u32, margin: i32) -> String {
    if margin < 0 {
        format!("{limit} bits, {} above", -margin)
    } else {
        format!("{limit} bits, {margin} to spare")
    }
}

fn milliseconds(time: f64) -> String {
    if time < 1000.0 {
        format!("{time:.2} ms")
    } else {
        format!("{:.2} s", time / 1e3)
    }
}

fn bytes(count: usize) -> String {
    let count = count as f64;
    if count < 1e6 {
        format!("{:.1} kB", count / 1e3)
    } else {
        format!("{:.1} MB", count / 1e6)
    }
}

fn share(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// A number of any size, in a few characters.
fn value(value: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else if (1e-3..1e5).contains(&value.abs()) {
        let digits = (3.0 - value.abs().log10().floor()).clamp(0.0, 6.0) as usize;
        format!("{value:.digits$}")
    } else {
        format!("{value:.2e}")
    }
}

fn log2(value: f64) -> f64 {
    value.max(f64::MIN_POSITIVE).log2()
}

fn key(entries: &[(&str, &str)]) -> String {
    let entry = |(class, words): &(&str, &str)| {
        element("span", &[("class", class)], &text("i", &[], words))
    };
    let entries: String = entries.iter().map(entry).collect();
    element("div", &[("class", "key")], &entries)
}

/// A row for each operation: the first of a layer has the layer's name, others what they do.
fn rows(
    measured: &Measured,
    row: impl Fn(&Operation) -> (Vec<(&'static str, f64)>, String),
) -> Vec<Row> {
    let mut before = None;
    let row = |operation: &Operation| {
        let is_first = before.replace(operation.layer.clone()).as_ref() != Some(&operation.layer);
        let (values, words) = row(operation);
        let name = if is_first {
            &operation.layer
        } else {
            &operation.what
        };
        Row {
            name: name.clone(),
            values,
            title: format!("{}, {}: {words}", operation.layer, operation.what),
        }
    };
    measured.operations.iter().map(row).collect()
}

fn figure(plot: &str, caption: &str) -> String {
    element(
        "figure",
        &[],
        &(plot.to_owned() + &text("figcaption", &[], caption)),
    )
}

fn operations(measured: &Measured) -> String {
    let mut body = text("h2", &[], "Errors by operation");
    body += &key(&[
        ("a", "rms error"),
        ("b", "largest error"),
        ("d", "predicted rms"),
    ]);
    let errors = rows(measured, |operation| {
        let errors = operation.errors;
        let values = vec![
            ("b", log2(errors.largest)),
            ("d", log2(errors.predicted)),
            ("a", log2(errors.rms)),
        ];
        let words = format!(
            "largest {}, rms {}, predicted {}",
            value(errors.largest),
            value(errors.rms),
            value(errors.predicted)
        );
        (values, words)
    });
    body += &figure(
        &plot::marks(
            "Errors by operation",
            "log2 of the error against plain numbers",
            &errors,
        ),
        "Further right is worse. Values inside a polynomial are up to 2, whatever the layer's are.",
    );
    body += &text("h2", &[], "Noise budget by operation");
    body += &key(&[
        ("b", "noise"),
        ("a", "values above the noise"),
        ("c", "left"),
    ]);
    let budgets = rows(measured, |operation| {
        let budget = operation.budget;
        let used = budget.modulus_bits - budget.left_bits;
        let noise = budget.noise_bits.clamp(0.0, used.max(0.0));
        let values = vec![("b", noise), ("a", used - noise), ("c", budget.left_bits)];
        let words = format!(
            "{:.1} bits of noise, {:.1} of values above it, {:.1} left",
            noise,
            used - noise,
            budget.left_bits
        );
        (values, words)
    });
    body += &figure(
        &plot::bars("Noise budget by operation", "bits of the modulus", &budgets),
        "The bits of the modulus of each level: what noise takes, what values take above it, and \
         what is left before they would wrap around.",
    );
    body += &text("h2", &[], "Time by operation");
    let times = rows(measured, |operation| {
        (
            vec![("a", operation.milliseconds)],
            milliseconds(operation.milliseconds),
        )
    });
    body += &figure(
        &plot::bars("Time by operation", "ms", &times),
        "Medians over all images. The first operation includes the expansion of the input.",
    );
    body + &operation_table(measured)
}

fn operation_table(measured: &Measured) -> String {
    let headings = [
        "operation",
        "level",
        "log2 scale",
        "largest error",
        "mean error",
        "rms error",
        "predicted",
        "precision",
        "bits left",
        "bits of noise",
        "time",
        "rotations",
    ];
    let mut rows = Vec::new();
    let mut layer = None;
    for operation in &measured.operations {
        if layer != Some(&operation.layer) {
            layer = Some(&operation.layer);
            let mut cells = vec![escape(&operation.layer).into_owned()];
            cells.resize(headings.len(), String::new());
            rows.push(("layer", cells));
        }
        let errors = operation.errors;
        let cells = vec![
            escape(&operation.what).into_owned(),
            operation.level.to_string(),
            format!("{:.1}", operation.log2_scale),
            value(errors.largest),
            value(errors.mean),
            value(errors.rms),
            value(errors.predicted),
            format!("{:.1} bits", operation.precision_bits),
            format!("{:.1}", operation.budget.left_bits),
            format!("{:.1}", operation.budget.noise_bits),
            milliseconds(operation.milliseconds),
            operation
                .rotations
                .map_or("–".to_owned(), |count| count.to_string()),
        ];
        rows.push(("", cells));
    }
    text("h2", &[], "Operations") + &table(&headings, &rows)
}

fn sets(report: &Report) -> String {
    let mut body = text("h2", &[], "Parameter sets");
    let points: Vec<Point> = report.sets.iter().filter_map(point).collect();
    if points.len() > 1 {
        body += &key(&[("a", "chosen"), ("c", "others")]);
        let axes = ("ms for an image", "bits of precision");
        body += &figure(
            &plot::points("Time, precision and key bytes of the sets", axes, &points),
            "Up is more precise, left is faster; a disc's area is the size of the keys.",
        );
    }
    let headings = [
        "set",
        "name",
        "log2 N",
        "levels",
        "log2 QP",
        "to quantum line",
        "to classical line",
        "time",
        "keys",
        "up",
        "down",
        "memory",
        "precision",
        "largest error",
        "agreement",
        "accuracy",
    ];
    let row = |set: &Set| {
        let class = if set.chosen { "chosen" } else { "" };
        (class, set_cells(set, headings.len()))
    };
    let measured = report.sets.iter().filter(|set| set.measured.is_some());
    body += &table(&headings, &measured.map(row).collect::<Vec<_>>());
    let refused: String = report.sets.iter().filter_map(refused).collect();
    if !refused.is_empty() {
        body += &(text("h2", &[], "Not run") + &element("ul", &[], &refused));
    }
    body
}

fn refused(set: &Set) -> Option<String> {
    let refusal = set.refusal.as_ref()?;
    let name = set
        .parameters
        .as_ref()
        .map_or(String::new(), |it| format!(" ({})", it.spec.name));
    let at = refusal
        .layer
        .as_ref()
        .map_or(String::new(), |layer| format!("at {layer}: "));
    let words = format!("{}{name}: {at}{}", set.role, refusal.reason);
    Some(text("li", &[], &words))
}

fn point(set: &Set) -> Option<Point> {
    let measured = set.measured.as_ref()?;
    Some(Point {
        name: set.role.clone(),
        x: measured.milliseconds,
        y: measured.precision_bits,
        size: measured.key_bytes as f64,
        class: if set.chosen { "a" } else { "c" },
        title: format!(
            "{}: {}, {:.1} bits, {} of keys",
            set.role,
            milliseconds(measured.milliseconds),
            measured.precision_bits,
            bytes(measured.key_bytes)
        ),
    })
}

fn set_cells(set: &Set, count: usize) -> Vec<String> {
    let mark = if set.chosen { "★ " } else { "" };
    let mut cells = vec![format!("{mark}{}", escape(&set.role))];
    if let Some(parameters) = &set.parameters {
        let security = parameters.security;
        cells.extend([
            escape(&parameters.spec.name).into_owned(),
            parameters.spec.log_n.to_string(),
            parameters.levels.to_string(),
            security.log2_qp.to_string(),
            security.quantum_margin.to_string(),
            security.classical_margin.to_string(),
        ]);
    } else {
        cells.extend(vec!["–".to_owned(); 6]);
    }
    if let Some(it) = &set.measured {
        cells.extend([
            milliseconds(it.milliseconds),
            bytes(it.key_bytes),
            bytes(it.upload_bytes),
            bytes(it.download_bytes),
            it.peak_memory_bytes
                .map_or("–".to_owned(), |it| bytes(it as usize)),
            format!("{:.1} bits", it.precision_bits),
            value(it.outputs.largest),
            share(it.agreement),
            share(it.accuracy),
        ]);
    }
    cells.resize(count, String::new());
    cells
}
