//! Images a second: one request with an image in each slot, against one ciphertext for each image.
//!
//! Both run on the same threads, in turn, and the best of a few rounds counts.

use std::hint::black_box;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use client::{ClientKeys, Plan};
use evaluator::server::models;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use shared::wire::read_evaluation_keys;

const MODEL: &str = "models/mnist-fast.onnx";
const ROUNDS: usize = 5;
/// Single images on each thread in a round.
const SINGLES: usize = 200;

/// Compares many images in one request with one after the other.
#[derive(Parser)]
struct Args {
    /// Threads for the arithmetic.
    #[arg(long, default_value = "1")]
    threads: NonZero<usize>,
}

fn main() -> Result<()> {
    let threads = Args::parse().threads.get();
    let circuit = models::load(&tests::root().join(MODEL))?;
    let info = circuit.info();
    let spec = info
        .bulk
        .as_ref()
        .context("the model takes no bulk requests")?;
    let keys = ClientKeys::generate(Arc::new(Plan::new(info.clone())?))?;
    let upload = keys
        .evaluation_keys()
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    let evaluation = read_evaluation_keys(&upload, circuit.ring())?;
    let image = vec![0.5; info.input.shape.iter().product()];
    let single = keys.encrypt(&image)?;
    let images = vec![image; spec.images];
    let start = Instant::now();
    let bulk = keys.encrypt_bulk(&images)?;
    let encrypt = start.elapsed();

    let run_bulk = || -> Result<(f64, Vec<u8>)> {
        let start = Instant::now();
        let input = circuit.parse_bulk(&bulk).context("no bulk")??;
        let reply = circuit.evaluate_bulk(&input).context("no bulk")??;
        Ok((start.elapsed().as_secs_f64() / spec.images as f64, reply))
    };
    let run_singles = || -> Result<f64> {
        let (start, count) = (Instant::now(), SINGLES * threads);
        let run = |_| -> Result<()> {
            let input = circuit.parse_input(&single)?;
            black_box(circuit.evaluate(&evaluation, input)?);
            Ok(())
        };
        (0..count).into_par_iter().try_for_each(run)?;
        Ok(start.elapsed().as_secs_f64() / count as f64)
    };
    let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
    let (mut in_bulk, mut alone, mut reply) = (f64::INFINITY, f64::INFINITY, Vec::new());
    for _ in 0..ROUNDS {
        let (time, answer) = pool.install(run_bulk)?;
        (in_bulk, reply) = (in_bulk.min(time), answer);
        alone = alone.min(pool.install(run_singles)?);
    }
    let start = Instant::now();
    black_box(keys.decrypt_bulk(&reply, images.len())?);
    let decrypt = start.elapsed();

    let count = spec.images;
    println!("{threads} threads, {count} images in a request, best of {ROUNDS} rounds");
    println!("bulk     {:8.0} images/s", in_bulk.recip());
    println!("single   {:8.0} images/s", alone.recip());
    println!("ratio    {:8.2}", alone / in_bulk);
    println!(
        "encrypt  {:8.3} s, {} bytes",
        encrypt.as_secs_f64(),
        bulk.len()
    );
    println!(
        "decrypt  {:8.3} s, {} bytes",
        decrypt.as_secs_f64(),
        reply.len()
    );
    Ok(())
}
