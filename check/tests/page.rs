//! `report.json` and `report.html` as they are written.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use check::report::Report;
use serde_json::Value;

use crate::materials::{file, images, model};

/// The contents of both files.
fn written() -> (String, String) {
    let directory = images(3, Some(&[1, 2, 3]));
    let out = directory.path().join("report");
    let output = Command::new(env!("CARGO_BIN_EXE_evaluator-check"))
        .arg(model())
        .arg("--images")
        .arg(file(&directory))
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    assert!(message.contains(" left: "), "{message}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("* automatic choice"));
    let files: Vec<_> = fs::read_dir(&out).unwrap().collect();
    assert_eq!(files.len(), 2);
    let read = |name| fs::read_to_string(out.join(name)).unwrap();
    (read("report.json"), read("report.html"))
}

/// Asserts that each tag that is opened is closed in its place, and returns the text between them.
#[track_caller]
fn text_of(page: &str) -> String {
    let (mut open, mut text) = (Vec::new(), String::new());
    for piece in page.split('<').skip(1) {
        let (tag, after) = piece.split_once('>').expect("a tag ends");
        text.push_str(after);
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "</{name}> closes something else");
        } else if !tag.ends_with('/') && !tag.starts_with('!') {
            open.push(name);
        }
        let quotes = tag.matches('"').count();
        assert!(quotes.is_multiple_of(2), "<{tag}> has a quote too many");
    }
    assert!(open.is_empty(), "{open:?} stays open");
    text
}

fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.insert(key.clone());
                keys(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn both_files_say_the_same_and_stand_alone() {
    let (json, page) = written();
    let report: Report = serde_json::from_str(&json).unwrap();
    let text = text_of(&page);
    for layer in &report.model.layers {
        assert!(text.contains(layer), "{layer} is missing");
    }
    for set in &report.sets {
        assert!(text.contains(&set.role), "{} is missing", set.role);
    }
    assert!(text.contains(&report.choice));
    for outside in ["http", "<script", "<link", "url(", "src=", "NaN", "inf"] {
        assert!(!page.contains(outside), "the page holds {outside}");
    }

    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/check.md");
    let document = fs::read_to_string(document).unwrap();
    let mut fields = BTreeSet::new();
    keys(&serde_json::from_str(&json).unwrap(), &mut fields);
    let missing: Vec<_> = fields
        .iter()
        .filter(|field| !document.contains(&format!("`{field}`")))
        .collect();
    assert!(missing.is_empty(), "docs/check.md lacks {missing:?}");
}
