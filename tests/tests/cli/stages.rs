//! The stages on their own, with files between them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::tempdir;
use tests::digits::Hand;
use tests::root;
use tests::server::{Server, binary as evaluator};

use super::read;
use tests::drawings::save;

/// Makes `model.json` in a directory.
pub fn describe(directory: &Path) -> Result<()> {
    let server = Server::start_with(&root().join("models"), None, None)?;
    let url = server.url("");
    read(
        directory,
        [
            "describe",
            "--server",
            &url,
            "--model",
            "mnist-fast",
            "--out",
            "model.json",
        ],
    )?;
    Ok(())
}

/// Makes `NAME.key` and `NAME.keys` in a directory.
pub fn keygen(directory: &Path, name: &str) -> Result<()> {
    let (secret, keys) = (format!("{name}.key"), format!("{name}.keys"));
    read(
        directory,
        [
            "keygen",
            "--model",
            "model.json",
            "--secret",
            &secret,
            "--out",
            &keys,
        ],
    )?;
    Ok(())
}

/// Has the evaluator make `reply.ct` of `digit.ct`.
pub fn evaluate(directory: &Path, keys: &str) -> Result<()> {
    let output = Command::new(evaluator()?)
        .arg("evaluate")
        .arg("--model")
        .arg(root().join("models/mnist-fast.onnx"))
        .args(["--keys", keys, "--in", "digit.ct", "--out", "reply.ct"])
        .current_dir(directory)
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

#[test]
fn files_give_the_digit_that_the_server_gives() -> Result<()> {
    let directory = tempdir()?;
    let directory = directory.path();
    save(&directory.join("4.png"), 4, &Hand::default())?;
    let server = Server::start_with(&root().join("models"), None, None)?;
    let url = server.url("");
    read(
        directory,
        ["describe", "--server", &url, "--out", "model.json"],
    )?;
    let served = read(directory, ["classify", "--server", &url, "--json", "4.png"])?;
    server.stop()?; // From here on there is none.
    let inspected = Command::new(evaluator()?)
        .args(["inspect", "--json", "models/mnist-fast.onnx"])
        .current_dir(root())
        .output()?;
    let described: Value = serde_json::from_slice(&fs::read(directory.join("model.json"))?)?;
    let mut inspected: Value = serde_json::from_slice(&inspected.stdout)?;
    assert!(inspected["bulk"].is_object());
    inspected["bulk"] = Value::Null; // Not served unless it is asked for.
    assert_eq!(described, inspected);
    let served: Value = serde_json::from_str(&served)?;

    keygen(directory, "own")?;
    let encrypt = ["encrypt", "--model", "model.json", "--secret", "own.key"];
    read(
        directory,
        encrypt.into_iter().chain(["--out", "digit.ct", "4.png"]),
    )?;
    evaluate(directory, "own.keys")?;
    let decrypt = [
        "decrypt",
        "--model",
        "model.json",
        "--secret",
        "own.key",
        "reply.ct",
    ];
    let answer: Value =
        serde_json::from_str(&read(directory, decrypt.into_iter().chain(["--json"]))?)?;
    assert_eq!(answer["class"], "4");
    assert_eq!(answer["class"], served["images"][0]["class"]);
    let probability = |value: &Value| value["probability"].as_f64().context("a probability");
    let (one, other) = (probability(&answer)?, probability(&served["images"][0])?);
    assert!((one - other).abs() < 0.02, "{one} and {other}");
    assert_eq!(answer["logits"].as_array().map(Vec::len), Some(10));

    let text = read(directory, decrypt)?;
    assert_eq!(text.lines().count(), 13, "{text}");
    assert!(
        text.lines()
            .last()
            .is_some_and(|line| line.starts_with("4  ")),
        "{text}"
    );

    let again = read(
        directory,
        encrypt.into_iter().chain(["--out", "other.ct", "4.png"]),
    );
    again?;
    let same = fs::read(directory.join("digit.ct"))? == fs::read(directory.join("other.ct"))?;
    assert!(!same, "two encryptions are the same");
    Ok(())
}

#[test]
fn an_image_of_an_array_is_chosen() -> Result<()> {
    let directory = tempdir()?;
    let directory = directory.path();
    describe(directory)?;
    keygen(directory, "own")?;
    let pixels: Vec<u8> = (0..2 * 784).map(|at| (at % 199) as u8).collect();
    fs::write(
        directory.join("two.idx"),
        tests::drawings::idx(&[2, 28, 28], &pixels),
    )?;
    let encrypt = [
        "encrypt",
        "--model",
        "model.json",
        "--secret",
        "own.key",
        "--out",
        "digit.ct",
    ];
    let said = super::refused(directory, encrypt.into_iter().chain(["two.idx"]))?;
    assert_eq!(
        said,
        "two.idx: holds 2 images; choose one with --index, from 0 to 1"
    );
    let said = super::refused(
        directory,
        encrypt.into_iter().chain(["--index", "2", "two.idx"]),
    )?;
    assert_eq!(said, "two.idx: has no image 2; the last one is 1");
    assert!(!directory.join("digit.ct").exists());
    read(
        directory,
        encrypt.into_iter().chain(["--index", "1", "two.idx"]),
    )?;
    assert!(directory.join("digit.ct").is_file());
    Ok(())
}

#[test]
fn a_secret_is_its_owners_and_is_not_replaced_by_chance() -> Result<()> {
    let directory = tempdir()?;
    let directory = directory.path();
    describe(directory)?;
    keygen(directory, "own")?;
    let secret = directory.join("own.key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&secret)?.permissions().mode() & 0o777, 0o600);
    }
    let first = fs::read(&secret)?;
    assert_eq!(first.len(), 48, "a header and a seed");
    let contains = |file: &str| -> Result<bool> {
        let bytes = fs::read(directory.join(file))?;
        Ok(bytes.windows(32).any(|window| window == &first[16..]))
    };
    assert!(
        !contains("own.keys")?,
        "the evaluation keys hold the secret"
    );

    let keygen = ["keygen", "--model", "model.json", "--secret"];
    let said = super::refused(
        directory,
        keygen.into_iter().chain(["own.key", "--out", "new.keys"]),
    )?;
    assert_eq!(said, "own.key: exists already; --force replaces it");
    let said = super::refused(
        directory,
        keygen.into_iter().chain(["new.key", "--out", "own.keys"]),
    )?;
    assert_eq!(said, "own.keys: exists already; --force replaces it");
    let said = super::refused(directory, keygen.into_iter().chain(["a", "--out", "a"]))?;
    assert_eq!(
        said,
        "a: the secret key and the evaluation keys are two files; name two"
    );
    assert_eq!(fs::read(&secret)?, first);
    let mut files: Vec<_> = fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<Result<_, _>>()?;
    files.sort();
    assert_eq!(
        files,
        ["model.json", "own.key", "own.keys"],
        "something is left over"
    );

    let forced = ["own.key", "--out", "own.keys", "--force"];
    read(directory, keygen.into_iter().chain(forced))?;
    assert_ne!(fs::read(&secret)?, first);
    Ok(())
}
