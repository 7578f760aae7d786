//! Real clients of the real service, over HTTP.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use client::{ClientKeys, Plan, SecretSeed};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use shared::api::{ModelInfo, OCTET_STREAM, Problem, SessionInfo};
use shared::wire::read_evaluation_keys;
use tests::plain::PlainModel;
use tests::root;
use tests::secrecy::{assert_absent, number_needles, secret_needles};
use tests::server::{Server, agent};

use crate::circuit::tolerance;
use crate::scheme::numbers;

const MODEL: &str = "mnist-fast";

/// A client with its keys uploaded.
struct Session<'a> {
    server: &'a Server,
    keys: ClientKeys,
    id: String,
}

impl<'a> Session<'a> {
    fn open(server: &'a Server) -> Result<Self> {
        let info: ModelInfo = agent()
            .get(server.url(&format!("/api/v1/models/{MODEL}")))
            .call()?
            .body_mut()
            .read_json()?;
        let keys = ClientKeys::generate(Arc::new(Plan::new(info)?))?;
        let upload = keys
            .evaluation_keys()
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        let mut answer = post(server, "/api/v1/sessions", &upload)?;
        ensure!(
            answer.status() == 201,
            "{}",
            answer.body_mut().read_to_string()?
        );
        let session: SessionInfo = answer.body_mut().read_json()?;
        Ok(Self {
            server,
            keys,
            id: session.id,
        })
    }

    fn classify(&self, pixels: &[f64]) -> Result<Vec<f64>> {
        let reply = self.send(&self.keys.encrypt(pixels)?)?;
        Ok(self.keys.decrypt(&reply)?.values().to_vec())
    }

    fn send(&self, request: &[u8]) -> Result<Vec<u8>> {
        let route = format!("/api/v1/sessions/{}/classify?model={MODEL}", self.id);
        let mut answer = post(self.server, &route, request)?;
        if answer.status() != 200 {
            let problem: Problem = answer.body_mut().read_json()?;
            anyhow::bail!("{} {}: {}", problem.status, problem.kind, problem.detail);
        }
        Ok(answer.body_mut().read_to_vec()?)
    }
}

fn post(server: &Server, route: &str, body: &[u8]) -> Result<ureq::http::Response<ureq::Body>> {
    let request = agent()
        .post(server.url(route))
        .header("content-type", OCTET_STREAM);
    request.send(body).with_context(|| route.to_owned())
}

/// Blots of ink that differ from seed to seed.
fn pixels(seed: u64) -> Vec<f64> {
    numbers(784, seed)
        .into_iter()
        .map(|x| if x > 0.6 { x } else { 0.0 })
        .collect()
}

fn start() -> Result<Server> {
    Server::start_with(&root().join("models"), None, None)
}

#[test]
fn two_sessions_at_once_get_their_own_answers() -> Result<()> {
    let server = start()?;
    let truth = PlainModel::load(&root().join("models/mnist-fast.onnx"), &[1, 28, 28])?;
    let sessions = [Session::open(&server)?, Session::open(&server)?];
    let tolerance = tolerance(sessions[0].keys.plan().info().output.bound);
    ensure!(
        sessions[0].id != sessions[1].id,
        "both sessions have one id"
    );
    std::thread::scope(|scope| {
        let runs: Vec<_> = sessions
            .iter()
            .enumerate()
            .map(|(client, session)| {
                let truth = &truth;
                scope.spawn(move || -> Result<()> {
                    for digit in 0..4 {
                        let input = pixels(10 * client as u64 + digit);
                        let plain: Vec<f32> = input.iter().map(|&x| x as f32).collect();
                        let want = truth.logits(&plain)?;
                        for (got, want) in session.classify(&input)?.iter().zip(want) {
                            ensure!(
                                (got - want).abs() < tolerance,
                                "client {client}: {got}, not {want}"
                            );
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        runs.into_iter()
            .try_for_each(|run| run.join().expect("no panic"))
    })
}

#[test]
fn damaged_ciphertexts_are_refused_in_words() -> Result<()> {
    let server = start()?;
    let session = Session::open(&server)?;
    let good = session.keys.encrypt(&pixels(1))?;
    let check = |damage: &dyn Fn(&mut Vec<u8>), expected: &str| -> Result<()> {
        let mut request = good.clone();
        damage(&mut request);
        let error = session
            .send(&request)
            .err()
            .context("a damaged ciphertext was accepted")?;
        ensure!(
            error.to_string().contains(expected),
            "{error} does not say {expected:?}"
        );
        Ok(())
    };
    check(&|m| m[4] = 9, "format version 9")?;
    check(&|m| m[8] ^= 1, "parameter set")?;
    check(&|m| m.truncate(m.len() - 1), "truncated in the ciphertext")?;
    check(&|m| m.extend([1, 2, 3]), "3 bytes after its end")?;
    check(
        &|m| m[57..61].fill(0xff),
        "residue 0 of the ciphertext is 536870911",
    )?;
    // Read by the bits of another level's primes, it is full of numbers beyond them.
    check(&|m| m[16] = 0, "not below its prime 4169729")?;
    // Nothing of it has harmed the session.
    session.classify(&pixels(1))?;
    Ok(())
}

#[test]
fn a_forgotten_session_is_gone_and_says_what_to_do() -> Result<()> {
    let server = start()?;
    let session = Session::open(&server)?;
    agent()
        .delete(server.url(&format!("/api/v1/sessions/{}", session.id)))
        .call()?;
    let error = session
        .classify(&pixels(1))
        .err()
        .context("a forgotten session answered")?;
    ensure!(
        error.to_string().starts_with("410 /problems/session-gone"),
        "{error}"
    );
    Ok(())
}

#[test]
fn keys_that_lack_a_rotation_are_named() -> Result<()> {
    let server = start()?;
    let mut session = Session::open(&server)?;
    let mut info = session.keys.plan().info().clone();
    let left_out = info.keys.rotations.remove(0).step;
    let keys = ClientKeys::generate(Arc::new(Plan::new(info)?))?;
    let upload = keys
        .evaluation_keys()
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    let created: SessionInfo = post(&server, "/api/v1/sessions", &upload)?
        .body_mut()
        .read_json()?;
    session.id = created.id;
    let error = session
        .classify(&pixels(1))
        .err()
        .context("a missing key went unnoticed")?;
    let expected = format!("the key for rotations by {left_out} was not uploaded");
    ensure!(error.to_string().contains(&expected), "{error}");
    Ok(())
}

/// The secret polynomial from its definition in `docs/wire-format.md`: 64-bit words of `ChaCha20`
/// stream 0, times three, the high word less one.
pub(crate) fn secret_coefficients(seed: [u8; 32], degree: usize) -> Vec<i64> {
    let mut stream = ChaCha20Rng::from_seed(seed);
    stream.set_stream(0);
    (0..degree)
        .map(|_| ((u128::from(stream.next_u64()) * 3) >> 64) as i64 - 1)
        .collect()
}

/// What a page can't be asked for: with a known secret, none of its encodings, and none of the
/// logits or pixels, stands in any request.
#[test]
fn requests_hold_neither_the_secret_nor_the_answer() -> Result<()> {
    let circuit = evaluator::server::models::load(&root().join("models/mnist-fast.onnx"))?;
    let seed: [u8; 32] = std::array::from_fn(|i| (i as u8).wrapping_mul(73) ^ 0xa5);
    let plan = Arc::new(Plan::new(circuit.info().clone())?);
    let keys = ClientKeys::from_seed(plan, SecretSeed::from_bytes(seed));
    let upload = keys
        .evaluation_keys()
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    let input = pixels(3);
    let request = keys.encrypt(&input)?;
    let evaluation = read_evaluation_keys(&upload, circuit.ring())?;
    let reply = circuit.evaluate(&evaluation, circuit.parse_input(&request)?)?;
    let logits = keys.decrypt(&reply)?;

    let secret = secret_coefficients(seed, circuit.ring().degree());
    let mut needles = secret_needles(&seed, &keys, &secret);
    needles.extend(number_needles("the logits", logits.values(), 2, 2));
    needles.extend(number_needles("the pixels", &input, 4, 4));
    let haystacks = [
        ("the key upload", &upload[..]),
        ("the request", &request[..]),
    ];
    assert_absent(&haystacks, &needles);

    // The search finds what is there.
    let leak = [&request[..], &seed].concat();
    let caught = std::panic::catch_unwind(|| {
        assert_absent(&[("a leak", &leak)], &needles);
    });
    ensure!(caught.is_err(), "a planted seed was not found");
    Ok(())
}
