//! How fast the shipped parameter sets and models are, kernel by kernel and as a whole.
//!
//! Each group compares the scalar kernel with the others in one run; the larger operations use the
//! kernel in force, which `INKVEIL_KERNEL` changes.

use std::hint::black_box;
use std::sync::Arc;

use client::{ClientKeys, Plan};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use evaluator::circuit::Circuit;
use evaluator::engine::{Automorphism, Ckks, encode_matrix, multiply_matrix};
use evaluator::server::models;
use shared::encoding::{Complex64, Scale};
use shared::keys::EvaluationKeys;
use shared::params::{Parameters, shipped};
use shared::ring::Ring;
use shared::ring::backend::{Product, available};
use shared::wire::{read_evaluation_keys, read_input, read_reply, write_reply};

fn kernels(c: &mut Criterion) {
    for spec in shipped() {
        let ring = Ring::new(Parameters::new(spec).expect("shipped"));
        let modulus = ring.moduli()[0];
        let (degree, prime) = (ring.degree(), modulus.prime());
        let values: Vec<u32> = (0..degree as u32)
            .map(|i| i.wrapping_mul(0x9e37_79b9) % prime)
            .collect();
        let id = |name: &str| BenchmarkId::new(name, format!("{degree}/{}", modulus.bits()));
        let factor = modulus.factor(12345);
        let mut group = c.benchmark_group("kernel");
        for kernel in available() {
            let mut out = values.clone();
            group.bench_function(id(&format!("forward_ntt/{}", kernel.name())), |b| {
                b.iter(|| kernel.forward_ntt(black_box(&mut out), ring.tables(0)));
            });
            group.bench_function(id(&format!("inverse_ntt/{}", kernel.name())), |b| {
                b.iter(|| kernel.inverse_ntt(black_box(&mut out), ring.tables(0)));
            });
            let terms = [Product {
                left: &values,
                right: &values,
            }; 4];
            group.bench_function(id(&format!("sum_of_4_products/{}", kernel.name())), |b| {
                b.iter(|| kernel.sum_of_products(black_box(&mut out), &terms, modulus));
            });
            let terms = [
                (&values[..], modulus.factor(3)),
                (&values[..], modulus.factor(5)),
            ];
            group.bench_function(id(&format!("weighted_sum_of_2/{}", kernel.name())), |b| {
                b.iter(|| kernel.weighted_sum(black_box(&mut out), &terms, modulus));
            });
            group.bench_function(id(&format!("sub_scaled/{}", kernel.name())), |b| {
                b.iter(|| kernel.sub_scaled(black_box(&mut out), &values, factor, modulus));
            });
        }
        group.finish();
    }
}

/// The shipped model with one client.
struct Setting {
    circuit: Circuit,
    keys: ClientKeys,
    upload: Vec<u8>,
    evaluation: EvaluationKeys,
    request: Vec<u8>,
}

fn setting(model: &str) -> Setting {
    let file = tests::root().join(format!("models/{model}.onnx"));
    let circuit = models::load(&file).expect("a shipped model");
    let plan = Arc::new(Plan::new(circuit.info().clone()).expect("a sound plan"));
    let keys = ClientKeys::generate(plan).expect("random numbers");
    let upload = keys
        .evaluation_keys()
        .collect::<Result<Vec<_>, _>>()
        .expect("keys")
        .concat();
    let evaluation = read_evaluation_keys(&upload, circuit.ring()).expect("what was written");
    let request = keys.encrypt(&[0.5; 784]).expect("784 pixels");
    Setting {
        circuit,
        keys,
        upload,
        evaluation,
        request,
    }
}

fn model(c: &mut Criterion) {
    let Setting {
        circuit,
        keys,
        upload,
        evaluation,
        request,
    } = &setting("mnist-fast");
    let ring = circuit.ring();
    let core = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a thread");
    let mut group = c.benchmark_group("mnist-fast");

    group.bench_function("client/secret_key", |b| {
        b.iter(|| ClientKeys::generate(Arc::clone(keys.plan())).expect("random numbers"));
    });
    group.bench_function("client/evaluation_keys", |b| {
        b.iter(|| {
            keys.evaluation_keys()
                .map(|piece| piece.expect("a key").len())
                .sum::<usize>()
        });
    });
    group.bench_function("client/encode_encrypt_serialise", |b| {
        b.iter(|| keys.encrypt(&[0.5; 784]).expect("784 pixels"));
    });
    let reply = circuit
        .evaluate(evaluation, circuit.parse_input(request).expect("a request"))
        .expect("a reply");
    group.bench_function("client/parse_decrypt_decode", |b| {
        b.iter(|| keys.decrypt(&reply).expect("logits"));
    });
    group.bench_function("evaluator/parse_keys", |b| {
        b.iter(|| read_evaluation_keys(upload, ring).expect("keys"));
    });
    group.bench_function("evaluator/parse_input", |b| {
        b.iter(|| read_input(request, ring).expect("a request"));
    });
    group.bench_function("evaluator/one_digit_one_core", |b| {
        b.iter(|| {
            core.install(|| {
                let input = circuit.parse_input(request).expect("a request");
                circuit.evaluate(evaluation, input).expect("a reply")
            })
        });
    });

    let engine = Ckks::new(ring);
    let fresh = read_input(request, ring)
        .expect("a request")
        .expand(ring)
        .expect("this ring");
    let (keys, output) = (&circuit.info().keys, &circuit.info().output);
    let last = keys.rotations.last().expect("a rotation");
    let rotation = Automorphism::Rotation(last.step);
    let lifted = engine.lift(&fresh);
    group.bench_function("evaluator/rotate_at_the_top", |b| {
        b.iter(|| engine.rotate(&lifted, rotation, evaluation).expect("a key"));
    });
    let rescaled = engine.rescale(&lifted).expect("a level");
    group.bench_function("evaluator/square_below_the_top", |b| {
        b.iter(|| engine.square(&rescaled, evaluation).expect("a key"));
    });
    let (plan, level) = (
        circuit.steps()[0].plans[0].clone(),
        circuit.info().input.level,
    );
    let entry = |_, _| Complex64::from(0.5);
    let matrix =
        encode_matrix(&engine, plan, entry, Scale(2f64.powi(16)), level).expect("entries that fit");
    group.bench_function("evaluator/first_matrix_product", |b| {
        b.iter(|| multiply_matrix(&engine, &matrix, &fresh, evaluation).expect("keys"));
    });
    group.bench_function("evaluator/rescale_at_the_top", |b| {
        b.iter(|| engine.rescale(&lifted).expect("a level"));
    });
    let reply = read_reply(&reply, &output.packing, ring).expect("what was written");
    group.bench_function("evaluator/serialise", |b| {
        b.iter(|| write_reply(&reply, ring));
    });
    group.finish();
}

/// The other shipped models, on one core.
fn models(c: &mut Criterion) {
    for name in ["homomorphic-mnist", "mnist-accurate", "lenet1"] {
        let Setting {
            circuit,
            evaluation,
            request,
            ..
        } = &setting(name);
        let mut group = c.benchmark_group(name);
        group.bench_function("evaluator/one_digit_one_core", |b| {
            b.iter(|| {
                let input = circuit.parse_input(request).expect("a request");
                circuit.evaluate(evaluation, input).expect("a reply")
            });
        });
        group.finish();
    }
}

criterion_group!(benches, kernels, model, models);
criterion_main!(benches);
