//! The command line's programs as stages of the public FHE benchmark's MNIST workload.
//!
//! `docs/fhe-benchmark.md` says which program is which stage.
//!
//! **Invariant:** stages share nothing but files; what the evaluator reads holds no secret.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::{TempDir, tempdir};
use tests::{drawings, program, server};

use crate::report::{Figure, Section};
use crate::sample::{Sample, timed};
use crate::setting::{image, model_file};

/// Runs every stage `runs` times, with a digit each.
///
/// # Errors
/// If a stage fails, or a digit isn't read as what was drawn.
pub fn measure(runs: u8) -> Result<Section> {
    let programs = Programs {
        inkveil: program::find("INKVEIL_CLI", "client", "inkveil", &["--release"])?,
        evaluator: server::binary()?.to_owned(),
        directory: tempdir()?,
    };
    let runs: Vec<[Stage; 9]> = (0..runs)
        .map(|run| programs.run(run % 10))
        .collect::<Result<_>>()?;
    let mut section = Section::with_columns(
        "Stages of the public FHE benchmark's MNIST workload",
        "Each a program of its own, starting and files included; `docs/fhe-benchmark.md` says \
         which. A stage without a time has nothing to do here.",
        vec!["time".to_owned(), "bytes".to_owned()],
    );
    let stages = runs.first().context("no run was asked for")?;
    for (at, stage) in stages.iter().enumerate() {
        let times: Option<Vec<f64>> = runs.iter().map(|run| run[at].ms).collect();
        let time = times.map(Sample::new).transpose()?;
        let figures = vec![
            time.map_or(Figure::Nothing, Figure::Time),
            stage.bytes.map_or(Figure::Nothing, Figure::Bytes),
        ];
        section.add_row(stage.name, figures);
    }
    Ok(section)
}

/// A stage by the name that the benchmark's harness prints.
struct Stage {
    name: &'static str,
    ms: Option<f64>,
    /// Of what it hands on.
    bytes: Option<u64>,
}

struct Programs {
    inkveil: PathBuf,
    evaluator: PathBuf,
    /// Where the files between them are.
    directory: TempDir,
}

impl Programs {
    /// All stages, in the order of the benchmark's harness but for the model, which comes before
    /// the keys: it says which keys it needs.
    fn run(&self, digit: u8) -> Result<[Stage; 9]> {
        let model = model_file();
        let model = model.to_str().context("the model's path is no text")?;
        let image = drawings::idx(&[1, 28, 28], &image(digit)?);

        let (description, prepare) =
            timed(|| self.start(&self.evaluator, &["inspect", "--json", model]))?;
        fs::write(self.path("model.json"), description)?;
        let (_, keys) = self.client("keygen --out evaluation.keys --force")?;
        let (_, input) = timed(|| Ok(fs::write(self.path("digit.idx"), image)?))?;
        let (_, encrypt) = self.client("encrypt --out digit.ct --force digit.idx")?;
        let files = "--keys evaluation.keys --in digit.ct --out reply.ct";
        let evaluate: Vec<&str> = ["evaluate", "--model", model]
            .into_iter()
            .chain(files.split(' '))
            .collect();
        let (_, compute) = timed(|| self.start(&self.evaluator, &evaluate))?;
        let (answer, decrypt) = self.client("decrypt --json reply.ct")?;
        let (class, read) = timed(|| class(&answer))?;
        ensure!(class == digit.to_string(), "a {digit} was read as {class}");

        let stage = |name, ms, file: Option<&str>| -> Result<Stage> {
            let bytes = file.map(|file| fs::metadata(self.path(file))).transpose()?;
            let bytes = bytes.map(|file| file.len());
            Ok(Stage { name, ms, bytes })
        };
        Ok([
            stage("Harness: MNIST Test dataset generation", None, None)?,
            stage(
                "Server: (Encrypted) model preprocessing",
                Some(prepare),
                Some("model.json"),
            )?,
            stage(
                "Client: Key Generation",
                Some(keys),
                Some("evaluation.keys"),
            )?,
            stage(
                "Harness: Input generation for MNIST",
                Some(input),
                Some("digit.idx"),
            )?,
            stage("Client: Input preprocessing", None, None)?,
            stage("Client: Input encryption", Some(encrypt), Some("digit.ct"))?,
            stage(
                "Server: Encrypted ML Inference computation",
                Some(compute),
                Some("reply.ct"),
            )?,
            stage("Client: Result decryption", Some(decrypt), None)?,
            stage("Client: Result postprocessing", Some(read), None)?,
        ])
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// A command of `inkveil`, with its milliseconds.
    fn client(&self, words: &str) -> Result<(Vec<u8>, f64)> {
        let common = ["--model", "model.json", "--secret", "secret.key"];
        let mut words: Vec<&str> = words.split(' ').collect();
        words.splice(1..1, common);
        timed(|| self.start(&self.inkveil, &words))
    }

    /// What a program prints.
    fn start(&self, program: &Path, args: &[&str]) -> Result<Vec<u8>> {
        let output = Command::new(program)
            .args(args)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .output()
            .with_context(|| program.display().to_string())?;
        ensure!(
            output.status.success(),
            "{}: {}",
            program.display(),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(output.stdout)
    }
}

/// The class in `inkveil decrypt --json`'s answer.
fn class(answer: &[u8]) -> Result<String> {
    let answer: Value = serde_json::from_slice(answer)?;
    let class = answer["class"]
        .as_str()
        .context("an answer without class")?;
    Ok(class.to_owned())
}
