//! The `evaluator` program itself.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

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

/// A service of the sound model that ends with this value.
struct Serving {
    process: Child,
    address: String,
    _models: TempDir,
}

impl Serving {
    fn start(change: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let models = tempfile::tempdir().expect("temporary directory");
        fs::write(models.path().join("sound.onnx"), sound_model()).expect("written");
        let mut command = evaluator();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--threads", "1"])
            .arg("--models")
            .arg(models.path())
            .stdout(Stdio::piped());
        let mut process = change(&mut command).spawn().expect("starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on http://");
        Self {
            address: address.expect("an address").to_owned(),
            process,
            _models: models,
        }
    }

    fn get(&self, path: &str) -> String {
        let mut connection = TcpStream::connect(&self.address).expect("connects");
        let host = &self.address;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).expect("sent");
        let mut reply = String::new();
        connection.read_to_string(&mut reply).expect("answered");
        reply
    }

    /// Stops it as systemd does; what it wrote to standard error, where that is a pipe.
    fn stop(mut self) -> (Option<i32>, String) {
        let id = self.process.id().to_string();
        let stop = Command::new("kill").args(["-TERM", &id]).status();
        assert!(stop.expect("kill runs").success());
        let mut log = String::new();
        if let Some(mut stderr) = self.process.stderr.take() {
            stderr.read_to_string(&mut log).expect("text");
        }
        (self.process.wait().expect("ends").code(), log)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn serve_answers_until_it_is_told_to_stop() {
    let server = Serving::start(|command| command.stderr(Stdio::null()));
    let reply = server.get("/api/v1/models");
    assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
    assert!(reply.contains("\"sound\""), "{reply}");
    assert_eq!(server.stop().0, Some(0));
}

/// A session that nobody has, whose id the log mustn't show.
const ID: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn the_log_names_routes_and_no_session_and_no_address() {
    let check = |flags: &[&str]| {
        let server = Serving::start(|command| command.args(flags).stderr(Stdio::piped()));
        let reply = server.get(&format!("/api/v1/sessions/{ID}"));
        assert!(reply.starts_with("HTTP/1.1 410"), "{reply}");
        let (_, log) = server.stop();
        assert!(
            log.contains("/api/v1/sessions/{id}") && !log.contains(ID),
            "{log}"
        );
        log
    };
    let text = check(&[]);
    let line = text
        .lines()
        .find(|line| line.contains("answered"))
        .expect("a line");
    assert!(line.contains("session-gone"), "{line}");
    assert!(!line.contains("127.0.0.1"), "{line}");
    let json = check(&["--log-format", "json", "--log-addresses"]);
    let line = json.lines().find(|line| line.contains("answered"));
    let line: serde_json::Value = serde_json::from_str(line.expect("a line")).expect("JSON");
    assert_eq!(line["status"], 410);
    assert_eq!(line["route"], "/api/v1/sessions/{id}");
    assert_eq!(line["problem"], "session-gone");
    assert_eq!(line["address"], "127.0.0.1");
    assert!(line["span"]["id"].is_string(), "{line}");
}

#[test]
fn rubbish_does_not_fill_the_log() {
    let server = Serving::start(|command| command.stderr(Stdio::piped()));
    let mut connection = TcpStream::connect(&server.address).expect("connects");
    connection
        .write_all(b"\x16\x03\x01 rubbish\r\n\r\n")
        .expect("sent");
    let mut reply = Vec::new();
    connection
        .read_to_end(&mut reply)
        .expect("answered or closed");
    let (_, log) = server.stop();
    assert!(!log.contains("ERROR"), "{log}");
}

/// A collector that takes one request and answers 200; what it was sent.
fn collect(listener: &TcpListener) -> Vec<u8> {
    let (mut stream, _) = listener.accept().expect("connected");
    let (mut received, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut part).expect("read");
        received.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&received).into_owned();
        let Some((head, _)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.expect("a length").trim().parse().expect("a number");
        let head = received.windows(4).position(|end| end == b"\r\n\r\n");
        if count == 0 || received.len() >= head.expect("a head") + 4 + length {
            break;
        }
    }
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        .expect("sent");
    received
}

#[test]
fn traces_go_to_the_collector_and_name_no_session() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let collector = std::thread::spawn(move || collect(&listener));
    let server = Serving::start(|command| command.args(["--otlp", &url]).stderr(Stdio::null()));
    server.get(&format!("/api/v1/sessions/{ID}"));
    assert_eq!(server.stop().0, Some(0));
    let received = collector.join().expect("no panic");
    let has = |words: &str| {
        received
            .windows(words.len())
            .any(|found| found == words.as_bytes())
    };
    assert!(has("POST /v1/traces"));
    assert!(has("GET /api/v1/sessions/{id}") && has("inkveil-evaluator"));
    assert!(!has(ID));
}

#[test]
fn config_shows_what_is_in_force_and_where_it_came_from() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("evaluator.toml");
    fs::write(
        &file,
        "models = \"m\"\nbatch = 8\nthreads = 3\nbulk = true\n",
    )
    .expect("written");
    let run = |file: &Path| {
        let mut command = evaluator();
        command
            .args(["config", "--session-mib", "9"])
            .env("INKVEIL_CONFIG", file)
            .env("INKVEIL_THREADS", "5")
            .env("INKVEIL_BULK", "false");
        command.output().expect("runs")
    };
    let output = run(&file);
    let text = String::from_utf8_lossy(&output.stdout);
    for line in [
        "models = \"m\" # file",
        "batch = 8 # file",
        "threads = 5 # environment",
        "bulk = false # environment",
        "session-mib = 9 # flag",
        "listen = \"127.0.0.1:8080\" # default",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "no {line:?} in\n{text}"
        );
    }
    fs::write(&file, "modles = \"m\"\n").expect("written");
    let expected = "line 1: there is no setting `modles`; did you mean `models`?";
    check_failure(&run(&file), &[expected]);
    check_failure(
        &run(&directory.path().join("missing")),
        &["missing can't be read"],
    );
}

#[test]
fn a_token_is_made_for_a_name() {
    let output = evaluator().args(["token", "ada"]).output().expect("runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let [token, line] = lines[..] else {
        panic!("{text}");
    };
    let digest = Sha256::digest(token);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(line, format!("ada {hex}"));
    let output = evaluator().args(["token", "two words"]).output();
    check_failure(&output.expect("runs"), &["is no name"]);
}

#[test]
fn the_administrator_listens_on_this_machine_only() {
    let models = tempfile::tempdir().expect("temporary directory");
    fs::write(models.path().join("sound.onnx"), sound_model()).expect("written");
    let output = evaluator()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "0.0.0.0:0",
            "--models",
        ])
        .arg(models.path())
        .output();
    check_failure(&output.expect("runs"), &["takes loopback addresses only"]);
}

/// Nothing here decrypts, so `check` is another program's: it is found beside this one.
#[cfg(unix)]
#[test]
fn check_is_handed_over() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let program = directory.path().join("evaluator");
    // Not a copy: a program can't be started while another test's process holds it open for writing.
    fs::hard_link(env!("CARGO_BIN_EXE_evaluator"), &program).expect("linked");
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
