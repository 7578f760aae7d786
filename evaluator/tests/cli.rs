//! The `evaluator` program itself.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};

use crate::import::model::{Graph, ramp};

fn evaluator() -> Command {
    Command::new(env!("CARGO_BIN_EXE_evaluator"))
}

fn sound_model() -> Vec<u8> {
    Graph::new(&[1, 16])
        .floats("w1", &[16, 8], &ramp(128))
        .floats("w2", &[8, 3], &ramp(24))
        .node("MatMul", &["image", "w1"], "a")
        .node("Mul", &["a", "a"], "b")
        .node("MatMul", &["b", "w2"], "logits")
        .bytes()
}

fn relu_model() -> Vec<u8> {
    Graph::new(&[1, 16])
        .node("Relu", &["image"], "logits")
        .bytes()
}

#[track_caller]
fn check_failure(output: &Output, expected: &[&str]) {
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr);
    for expected in expected {
        assert!(
            message.contains(expected),
            "{message:?} does not say {expected:?}"
        );
    }
}

#[test]
fn every_broken_model_is_reported_before_anything_is_served() {
    let models = tempfile::tempdir().expect("temporary directory");
    fs::write(models.path().join("sound.onnx"), sound_model()).expect("written");
    fs::write(models.path().join("relu.onnx"), relu_model()).expect("written");
    fs::write(models.path().join("noise.onnx"), [0xff; 64]).expect("written");
    fs::write(models.path().join("two words.onnx"), sound_model()).expect("written");
    let output = evaluator()
        .args(["serve", "--listen", "127.0.0.1:0", "--models"])
        .arg(models.path())
        .output();
    let output = output.expect("runs");
    let expected = [
        "relu.onnx: 1 node can't be evaluated:",
        "Relu 'logits_node': it compares values",
        "noise.onnx: not an ONNX file",
        "two words.onnx: a model's file is named with letters",
    ];
    check_failure(&output, &expected);
    assert!(output.stdout.is_empty(), "it listened");
}

#[test]
fn an_empty_directory_is_nothing_to_serve() {
    let models = tempfile::tempdir().expect("temporary directory");
    let output = evaluator()
        .arg("serve")
        .arg("--models")
        .arg(models.path())
        .output();
    check_failure(&output.expect("runs"), &["holds no .onnx file"]);
    let missing = models.path().join("missing");
    let output = evaluator()
        .arg("serve")
        .arg("--models")
        .arg(missing)
        .output();
    check_failure(&output.expect("runs"), &["missing: "]);
}

#[test]
fn inspect_describes_a_model_or_says_why_not() {
    let models = tempfile::tempdir().expect("temporary directory");
    let (sound, relu) = (
        models.path().join("sound.onnx"),
        models.path().join("relu.onnx"),
    );
    fs::write(&sound, sound_model()).expect("written");
    fs::write(&relu, relu_model()).expect("written");
    let output = evaluator()
        .arg("inspect")
        .arg(&sound)
        .output()
        .expect("runs");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    for expected in [
        "input       16\n",
        "steps 0, 1  8, x²",
        "step 2      3",
        "N = 2^12",
        "quantum 101",
        "3 classes",
    ] {
        assert!(
            text.contains(expected),
            "{text:?} does not say {expected:?}"
        );
    }
    let output = evaluator()
        .arg("inspect")
        .arg(&relu)
        .output()
        .expect("runs");
    check_failure(&output, &["relu.onnx: 1 node can't be evaluated", "use x²"]);
}

#[test]
fn serve_answers_until_it_is_told_to_stop() {
    let models = tempfile::tempdir().expect("temporary directory");
    fs::write(models.path().join("sound.onnx"), sound_model()).expect("written");
    let mut server = evaluator()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--threads",
            "1",
            "--models",
        ])
        .arg(models.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut line = String::new();
    let stdout = server.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    let address = line
        .trim()
        .strip_prefix("listening on http://")
        .expect("an address")
        .to_owned();
    let mut connection = TcpStream::connect(&address).expect("connects");
    let request =
        format!("GET /api/v1/models HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).expect("sent");
    let mut reply = String::new();
    connection.read_to_string(&mut reply).expect("answered");
    assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
    assert!(reply.contains("\"sound\""), "{reply}");
    let stop = Command::new("kill")
        .args(["-TERM", &server.id().to_string()])
        .status();
    assert!(stop.expect("kill runs").success());
    assert_eq!(server.wait().expect("ends").code(), Some(0));
}

/// Nothing here decrypts, so `check` is another program's: it is found beside this one.
#[cfg(unix)]
#[test]
fn check_is_handed_over() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("temporary directory");
    let program = directory.path().join("evaluator");
    fs::copy(env!("CARGO_BIN_EXE_evaluator"), &program).expect("copied");
    let run = || {
        Command::new(&program)
            .args(["check", "a b.onnx", "--out", "x"])
            .output()
    };
    check_failure(
        &run().expect("runs"),
        &["evaluator-check is not there; `cargo build --release --package check`"],
    );
    let other = directory.path().join("evaluator-check");
    fs::write(&other, "#!/bin/sh\nprintf '%s|' \"$@\"\nexit 7\n").expect("written");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).expect("executable");
    let output = run().expect("runs");
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(output.stdout, b"a b.onnx|--out|x|");
}
