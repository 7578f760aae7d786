//! One run of the tester: which parameter sets are tried, and what becomes of each.

use std::path::PathBuf;

use evaluator::circuit::{self, Circuit, CircuitError, PRECISION_BITS};
use evaluator::engine::EvalError;
use evaluator::import::calibration::{self, CalibrationError};
use evaluator::import::{self, Approximation};
use evaluator::network::Network;
use evaluator::server::models::{self, ModelError};
use shared::params::security::max_log2_qp;
use shared::params::{ParameterError, ParameterSpec, Parameters, shipped};
use thiserror::Error;

use crate::forecast;
use crate::images::{self, ImagesError, Inputs};
use crate::progress::Progress;
use crate::report::{self, Images, Measured, Model, Refusal, Report, SCHEMA, Security, Set};
use crate::trial::{Trial, TrialError};
use crate::truth::{Truth, truth};

/// Name under which circuits are made; nobody is told it.
const ID: &str = "checked";

const AUTOMATIC: &str = "automatic choice";

/// What is checked, and on what.
#[derive(Clone, Debug)]
pub struct Options {
    /// The ONNX file.
    pub model: PathBuf,
    /// Activations to replace by polynomials.
    pub approximations: Vec<Approximation>,
    /// Images that show which values activations are given.
    pub calibrate: Option<PathBuf>,
    /// A file of images, or a directory.
    pub images: PathBuf,
    /// A file of labels, where they don't lie beside the images.
    pub labels: Option<PathBuf>,
    /// The only set to try, instead of the automatic choice and its neighbours.
    pub parameters: Option<ParameterSpec>,
    /// Steps to run, instead of all.
    pub steps: Option<usize>,
    /// Most images.
    pub count: usize,
    /// Most images that are looked at between operations.
    pub watched: usize,
}

/// Why there is no report.
#[derive(Debug, Error)]
pub enum CheckError {
    /// The model can't be read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The calibration images can't be read.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// The images can't be read.
    #[error(transparent)]
    Images(#[from] ImagesError),
    /// The parameter set is unsound or insecure.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// A part of the network that there isn't.
    #[error("the network has steps 0..{all}, and 0..{found} is no part of it")]
    Steps {
        /// Steps wanted.
        found: usize,
        /// Steps there are.
        all: usize,
    },
    /// The set would fail, so nothing was run.
    #[error(
        "parameter set {set} was not run: {}{}",
        refusal.layer.as_ref().map_or_else(String::new, |layer| format!("at layer '{layer}', ")),
        refusal.reason
    )]
    Refused {
        /// The set's name, or how it came about.
        set: String,
        /// Where and why.
        refusal: Refusal,
    },
    /// No circuit for the network, whatever the set.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// The circuit doesn't fit itself.
    #[error(transparent)]
    Plain(#[from] EvalError),
    /// A set that ought to run failed.
    #[error("parameter set {set}: {reason}")]
    Trial {
        /// The set.
        set: String,
        /// What happened.
        reason: TrialError,
    },
}

/// A set that may be run.
struct Candidate<'a> {
    role: String,
    /// None for the compiler's own choice.
    parameters: Option<Parameters>,
    check: &'a Check,
}

/// What is the same for all sets.
struct Check {
    network: Network,
    is_whole: bool,
    inputs: Inputs,
    watched: usize,
}

/// Runs the network under one parameter set or several.
///
/// # Errors
/// [`CheckError`]; one about the set that was asked for, or chosen, comes before anything of it
/// has run.
pub fn check(options: &Options, progress: &mut Progress) -> Result<Report, CheckError> {
    let whole = read_network(options)?;
    let all = whole.steps();
    let steps = options.steps.unwrap_or(all);
    let network = whole
        .prefix(steps)
        .ok_or(CheckError::Steps { found: steps, all })?;
    let labels = options.labels.as_deref();
    let inputs = images::load(&options.images, labels, &network.input_shape, options.count)?;
    let check = Check {
        watched: options.watched.clamp(1, inputs.images.len()),
        is_whole: steps == all,
        inputs,
        network,
    };
    let (sets, choice) = match &options.parameters {
        Some(spec) => check.given(Parameters::new(spec.clone())?, progress)?,
        None => check.around_the_choice(progress)?,
    };
    Ok(Report {
        schema: SCHEMA,
        model: Model {
            file: options.model.display().to_string(),
            input_shape: check.network.input_shape.clone(),
            outputs: check.network.classes.len(),
            layers: check
                .network
                .layers
                .iter()
                .map(|layer| layer.name.clone())
                .collect(),
            steps,
            all_steps: all,
        },
        images: Images {
            source: options.images.display().to_string(),
            count: check.inputs.images.len(),
            watched: check.watched,
            labels: check
                .inputs
                .labelled_by
                .as_ref()
                .map(|path| path.display().to_string()),
        },
        sets,
        choice,
    })
}

fn read_network(options: &Options) -> Result<Network, CheckError> {
    let calibration = options.calibrate.as_deref().map(calibration::read);
    let calibration = calibration.transpose()?.unwrap_or_default();
    let import = import::Options {
        approximations: &options.approximations,
        calibration: &calibration,
    };
    Ok(models::read_network_with(&options.model, &import)?.network)
}

impl Check {
    /// Things to count for each set: the keys, and the images.
    fn things(&self) -> usize {
        1 + self.watched + self.inputs.images.len()
    }

    fn given(
        &self,
        parameters: Parameters,
        progress: &mut Progress,
    ) -> Result<(Vec<Set>, String), CheckError> {
        progress.expect(self.things());
        let candidate = Candidate {
            role: "given".to_owned(),
            parameters: Some(parameters),
            check: self,
        };
        let circuit = candidate.compile()?;
        let set = candidate.run(&circuit, true, progress)?;
        Ok((
            vec![set],
            "This set was given; no other was tried.".to_owned(),
        ))
    }

    fn around_the_choice(&self, progress: &mut Progress) -> Result<(Vec<Set>, String), CheckError> {
        let automatic = Candidate {
            role: AUTOMATIC.to_owned(),
            parameters: None,
            check: self,
        };
        let circuit = automatic.compile()?;
        let neighbours = circuit.neighbours(&self.network)?;
        progress.expect(self.things() * (1 + neighbours.len()));
        let mut sets = vec![automatic.run(&circuit, true, progress)?];
        let choice = self.choice(&circuit);
        drop(circuit);
        for (change, parameters) in neighbours {
            let known = |found: &Parameters| {
                let sets = sets.iter().filter_map(|set| set.parameters.as_ref());
                sets.into_iter()
                    .any(|set| same_primes(&set.spec, found.spec()))
            };
            if parameters.as_ref().is_some_and(known) {
                progress.skip(self.things());
                continue;
            }
            let role = change.to_string();
            let Some(parameters) = parameters else {
                progress.skip(self.things());
                sets.push(none(role));
                continue;
            };
            let candidate = Candidate {
                role,
                parameters: Some(parameters),
                check: self,
            };
            sets.push(candidate.try_to_run(progress)?);
        }
        Ok((sets, choice))
    }

    /// Why the compiler's choice is its choice.
    fn choice(&self, circuit: &Circuit) -> String {
        let spec = &circuit.info().parameters;
        let outputs = self
            .inputs
            .images
            .iter()
            .take(self.watched)
            .flat_map(|image| {
                let prepare = |&value: &f64| self.network.preparation.apply(value);
                self.network
                    .evaluate(&image.iter().map(prepare).collect::<Vec<_>>())
            });
        let (sum, count) =
            outputs.fold((0.0, 0.0), |(sum, count), it| (sum + it * it, count + 1.0));
        let bits = (f64::sqrt(sum / f64::max(count, 1.0)) / circuit.predicted_error()).log2();
        let (name, wanted) = (
            &spec.name,
            self.network.precision_bits.unwrap_or(PRECISION_BITS),
        );
        let here = format!("on these images the noise model predicts {bits:.1}");
        if shipped().contains(spec) {
            format!(
                "{name} ships with Inkveil and is chosen wherever it is predicted to leave \
                 {wanted} bits of the outputs on sample inputs; {here}."
            )
        } else {
            format!(
                "{name} is made to measure: in the smallest ring that suffices, the set that costs \
                 least time and key bytes together among those with the fewest bits that are \
                 predicted to leave {wanted} bits of the outputs on sample inputs; {here}."
            )
        }
    }
}

fn same_primes(left: &ParameterSpec, right: &ParameterSpec) -> bool {
    (left.log_n, &left.levels, &left.special) == (right.log_n, &right.levels, &right.special)
}

fn none(role: String) -> Set {
    Set {
        role,
        chosen: false,
        parameters: None,
        refusal: Some(Refusal {
            layer: None,
            reason: "there is no such set within the 128-bit line".to_owned(),
        }),
        measured: None,
    }
}

impl Candidate<'_> {
    fn name(&self) -> String {
        let name = |set: &Parameters| set.spec().name.clone();
        self.parameters
            .as_ref()
            .map_or_else(|| self.role.clone(), name)
    }

    fn compile(&self) -> Result<Circuit, CheckError> {
        let options = circuit::Options {
            parameters: self.parameters.clone(),
            ..circuit::Options::default()
        };
        let network = &self.check.network;
        let compiled = Circuit::compile_with(ID, network, &options);
        compiled
            .map(Circuit::without_bulk)
            .map_err(|error| CheckError::Refused {
                set: self.name(),
                refusal: forecast::without_circuit(network, self.parameters.as_ref(), &error),
            })
    }

    /// Runs it, if it won't end in garbage.
    fn run(
        &self,
        circuit: &Circuit,
        chosen: bool,
        progress: &mut Progress,
    ) -> Result<Set, CheckError> {
        let truths = self.truths(circuit)?;
        if let Some(refusal) = forecast::of_circuit(circuit, &self.check.network, &truths) {
            let set = self.name();
            return Err(CheckError::Refused { set, refusal });
        }
        let measured = self.measure(circuit, &truths, progress)?;
        Ok(self.set(circuit.ring().parameters(), chosen, Ok(measured)))
    }

    /// As [`Candidate::run`], but a refusal is a result.
    fn try_to_run(&self, progress: &mut Progress) -> Result<Set, CheckError> {
        let ran = self
            .compile()
            .and_then(|circuit| self.run(&circuit, false, progress));
        match (ran, &self.parameters) {
            (Err(CheckError::Refused { refusal, .. }), Some(parameters)) => {
                progress.skip(self.check.things());
                Ok(self.set(parameters, false, Err(refusal)))
            }
            (ran, _) => ran,
        }
    }

    fn truths(&self, circuit: &Circuit) -> Result<Vec<Truth>, CheckError> {
        let network = &self.check.network;
        let (plain, steps) = (circuit.plain(network)?, circuit.steps());
        let images = self.check.inputs.images.iter().take(self.check.watched);
        let truths = images.map(|image| truth(network, &plain, &steps, image));
        Ok(truths.collect::<Result<_, _>>()?)
    }

    fn measure(
        &self,
        circuit: &Circuit,
        truths: &[Truth],
        progress: &mut Progress,
    ) -> Result<Measured, CheckError> {
        let trial = Trial {
            network: &self.check.network,
            is_whole: self.check.is_whole,
            circuit,
            inputs: &self.check.inputs,
            truths,
        };
        trial
            .run(&self.role, progress)
            .map_err(|reason| CheckError::Trial {
                set: self.name(),
                reason,
            })
    }

    fn set(&self, parameters: &Parameters, chosen: bool, result: Result<Measured, Refusal>) -> Set {
        let (measured, refusal) = match result {
            Ok(measured) => (Some(measured), None),
            Err(refusal) => (None, Some(refusal)),
        };
        Set {
            role: self.role.clone(),
            chosen,
            parameters: Some(describe(parameters)),
            refusal,
            measured,
        }
    }
}

fn describe(parameters: &Parameters) -> report::Parameters {
    let log2_qp = parameters.log2_qp();
    let margin = |limit: u32| limit.cast_signed() - log2_qp.cast_signed();
    // Checked parameters are of a ring in the table.
    let (classical_limit, quantum_limit) =
        max_log2_qp(parameters.spec().log_n).map_or((0, 0), |line| (line.classical, line.quantum));
    report::Parameters {
        degree: parameters.degree(),
        levels: parameters.spec().levels.len(),
        security: Security {
            log2_qp,
            classical_limit,
            classical_margin: margin(classical_limit),
            quantum_limit,
            quantum_margin: margin(quantum_limit),
        },
        spec: parameters.spec().clone(),
    }
}
