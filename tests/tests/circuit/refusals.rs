//! Networks, keys and descriptions that don't fit, each with the message that says so.

use client::Plan;
use evaluator::circuit::{Circuit, CircuitError, Options};
use shared::api::{ModelInfo, RotationKeySpec, SwitchingKeySpec};
use shared::packing::OutputPacking;
use shared::params::{Parameters, shipped};
use shared::ring::Level;

use super::{Client, network};

#[test]
fn networks_that_do_not_fit_are_refused() {
    let deep = Circuit::compile("deep", &network(&[4; 40], 7)).unwrap_err();
    assert!(
        matches!(deep, CircuitError::NoSet { levels: 39, .. }),
        "{deep}"
    );
    let wide = Circuit::compile("wide", &network(&[4, 17_000, 2], 8)).unwrap_err();
    assert_eq!(
        wide.to_string(),
        "dense0 has 17000 values, one ciphertext of the largest parameter set holds 16384"
    );
}

#[test]
fn keys_that_are_missing_or_of_another_level_are_named_before_anything_runs() {
    let circuit = Circuit::compile("keys", &network(&[500, 64, 10], 2)).unwrap();
    let check = |change: &dyn Fn(&mut ModelInfo), expected: &str| {
        let mut info = circuit.info().clone();
        change(&mut info);
        let client = Client::with_info(&circuit, info, 7);
        let error = client
            .classify(&circuit, &[0.0; 500])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(expected),
            "{error:?} does not say {expected:?}"
        );
    };
    let step = circuit.info().keys.rotations[1].step;
    check(
        &|info| {
            info.keys.rotations.remove(1);
        },
        &format!("the key for rotations by {step} was not uploaded; uploaded: the re"),
    );
    check(
        &|info| info.keys.relinearization = None,
        "the relinearization key was not uploaded",
    );
    check(
        &|info| info.keys.conjugation = None,
        "the conjugation key was not uploaded",
    );
    let lower = |info: &mut ModelInfo| info.keys.rotations[1].key.level.0 -= 1;
    let made_for = circuit.info().keys.rotations[1].key.level.0 - 1;
    check(
        &lower,
        &format!("the key for rotations by {step} was made for level {made_for}"),
    );
    let coarse = |info: &mut ModelInfo| {
        for rotation in &mut info.keys.rotations {
            rotation.key.digit_primes = 2;
        }
    };
    check(&coarse, "has digits of 2 primes; the model takes");
    let scale = |info: &mut ModelInfo| info.input.scale *= 2.0;
    check(&scale, "the model takes level 1 and 2^");
}

#[test]
fn insecure_and_foreign_parameters_are_refused_by_the_client() {
    let options = Options {
        parameters: Some(Parameters::new(shipped().remove(0)).unwrap()),
        ..Options::default()
    };
    let circuit = Circuit::compile_with("plan", &network(&[100, 32, 10], 2), &options).unwrap();
    let check = |change: &dyn Fn(&mut ModelInfo), expected: &str| {
        let mut info = circuit.info().clone();
        change(&mut info);
        let error = Plan::new(info).unwrap_err().to_string();
        assert!(
            error.contains(expected),
            "{error:?} does not say {expected:?}"
        );
    };
    check(
        &|info| info.parameters.special.push(134_176_769),
        "parameter set n12 is insecure",
    );
    check(
        &|info| info.parameters.log_n = 11,
        "parameter set n12 is insecure",
    );
    check(
        &|info| info.api_version = 2,
        "speaks version 2 of the protocol",
    );
    check(
        &|info| info.input.level.0 = 9,
        "the input is at level 9, the highest",
    );
    check(
        &|info| info.input.scale = f64::NAN,
        "the input has scale NaN",
    );
    check(
        &|info| info.input.packing.real.truncate(3),
        "does not tile 2048 slots",
    );
    check(
        &|info| info.input.packing.real[0] = Some(100),
        "reads input 100",
    );
    check(
        &|info| info.input.shape = vec![usize::MAX, 2],
        "more values than can be counted",
    );
    let many = |info: &mut ModelInfo| {
        let key = SwitchingKeySpec {
            level: info.input.level,
            digit_primes: 1,
        };
        let all = (1..2048).map(|step| RotationKeySpec { step, key });
        info.keys.rotations = all.collect();
        info.keys.conjugation = Some(key);
    };
    check(&many, "the service asks for keys of");
    check(
        &|info| info.keys.rotations[0].step = 5000,
        "a rotation key by 5000",
    );
    check(
        &|info| {
            if let OutputPacking::Coefficients(packing) = &mut info.output.packing {
                packing.classes = 2049;
            }
        },
        "output packing of 2049 logits",
    );
    check(
        &|info| {
            if let OutputPacking::Coefficients(packing) = &mut info.output.packing {
                packing.copies = 3;
            }
        },
        "from 3 copies does not fit",
    );
    check(
        &|info| info.output.log_modulus = 33,
        "replies are modulo 2^33; 1 to 32 bits are possible",
    );
    check(
        &|info| {
            info.keys.conjugation = Some(SwitchingKeySpec {
                level: Level(0),
                digit_primes: 3,
            });
        },
        "keys with digits of 3 primes; 1 to 2 are possible",
    );
}

#[test]
fn an_input_of_another_size_is_refused() {
    let circuit = Circuit::compile("size", &network(&[100, 32, 10], 2)).unwrap();
    let client = Client::new(&circuit, 9);
    for size in [0, 99, 101] {
        let error = client
            .keys
            .encrypt(&vec![0.5; size])
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            format!("input has {size} values, the model takes 100")
        );
    }
}

#[test]
fn a_bound_that_leaves_no_scale_is_refused() {
    let mut network = network(&[100, 32, 10], 2);
    network.logit_bound = Some(1e300);
    let error = Circuit::compile("bound", &network).unwrap_err();
    assert_eq!(error, CircuitError::Bound { bound: 1e300 });
}

/// Two gadgets under one mask would differ by a multiple of the secret.
#[test]
fn keys_with_digits_of_another_size_share_no_mask() {
    let circuit = Circuit::compile("digits", &network(&[100, 32, 10], 2)).unwrap();
    let with_digits = |digit_primes| {
        let mut info = circuit.info().clone();
        for rotation in &mut info.keys.rotations {
            rotation.key.digit_primes = digit_primes;
        }
        Client::with_info(&circuit, info, 7).evaluation
    };
    let (fine, coarse) = (with_digits(1), with_digits(2));
    for (step, key) in &fine.rotations {
        assert_ne!(
            key.digits()[0].a,
            coarse.rotations[step].digits()[0].a,
            "step {step}"
        );
    }
}
