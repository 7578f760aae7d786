//! `cargo xtask serve`: the page and the evaluator, ready to draw on.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::page;
use crate::tools::Tools;
use crate::workspace::{Workspace, succeed};

const POLL: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(60);

/// Builds the page and starts the evaluator with the shipped models.
///
/// Missing build tools are installed into the user's cache first.
#[derive(clap::Args)]
pub struct Args {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Serve the page through `trunk serve`, which rebuilds and reloads it when a file changes and
    /// passes its requests on to the evaluator at `127.0.0.1:8080`.
    #[arg(long, conflicts_with = "listen")]
    dev: bool,
}

/// Runs until interrupted.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    ensure_free(args.listen)?;
    let tools = Tools::for_page(workspace)?;
    if !args.dev {
        println!("Building the page");
        page::build(workspace, &tools)?;
    }
    println!("Building the evaluator");
    succeed(&mut workspace.cargo(["build", "--release", "--package", "evaluator"]))?;

    let stop = Arc::new(AtomicBool::new(false));
    let on_signal = Arc::clone(&stop);
    ctrlc::set_handler(move || on_signal.store(true, Ordering::SeqCst))?;

    let listen = args.listen.to_string();
    let mut serve = vec!["serve", "--models", "models", "--listen", &listen];
    if !args.dev {
        serve.extend(["--page", page::DIRECTORY]);
    }
    let mut command = workspace.cargo([
        "run",
        "--quiet",
        "--release",
        "--package",
        "evaluator",
        "--bin",
        "evaluator",
        "--",
    ]);
    let mut evaluator = command
        .args(serve)
        .spawn()
        .context("the evaluator could not be started")?;
    let ready = wait_until_ready(&mut evaluator, args.listen, &stop);
    if ready.is_err() || stop.load(Ordering::SeqCst) {
        end(&mut evaluator)?;
        return ready;
    }

    if args.dev {
        let mut trunk = page::trunk(workspace, &tools, &["serve"])?.spawn()?;
        let status = watch(&mut trunk, &stop)?;
        end(&mut evaluator)?;
        return check(status, "trunk serve");
    }
    println!("open http://{}", args.listen);
    check(watch(&mut evaluator, &stop)?, "the evaluator")
}

/// Fails while nothing has been built yet if the address is taken.
fn ensure_free(listen: SocketAddr) -> Result<()> {
    TcpListener::bind(listen).map(drop).with_context(|| {
        format!("can't listen on {listen}; end what does, or choose another address with --listen")
    })
}

fn wait_until_ready(evaluator: &mut Child, listen: SocketAddr, stop: &AtomicBool) -> Result<()> {
    let start = Instant::now();
    while !is_ready(listen) && !stop.load(Ordering::SeqCst) {
        if let Some(status) = evaluator.try_wait()? {
            return check(Some(status), "the evaluator");
        }
        ensure!(
            start.elapsed() < PATIENCE,
            "the evaluator wasn't ready after {PATIENCE:?}"
        );
        std::thread::sleep(POLL);
    }
    Ok(())
}

/// Whether `GET /readyz` answers 200.
fn is_ready(listen: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&listen, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(
            stream,
            "GET /readyz HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n"
        )?;
        let mut reply = String::new();
        stream.take(4096).read_to_string(&mut reply)?;
        Ok(reply)
    };
    ask().is_ok_and(|reply| reply.starts_with("HTTP/1.1 200"))
}

/// Waits for the child to end by itself; on a signal, ends it and returns nothing.
fn watch(child: &mut Child, stop: &AtomicBool) -> Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(if stop.load(Ordering::SeqCst) {
                None
            } else {
                Some(status)
            });
        }
        if stop.load(Ordering::SeqCst) {
            end(child)?;
            return Ok(None);
        }
        std::thread::sleep(POLL);
    }
}

/// Asks the child to stop and waits; a child that doesn't listen is killed.
fn end(child: &mut Child) -> Result<()> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    #[cfg(unix)]
    {
        use nix::sys::signal::{Signal, kill};
        use nix::unistd::Pid;
        kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
    }
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// Whatever ends without having been asked to has failed.
fn check(status: Option<ExitStatus>, what: &str) -> Result<()> {
    match status {
        None => Ok(()),
        Some(status) => anyhow::bail!("{what} ended with {status}"),
    }
}
