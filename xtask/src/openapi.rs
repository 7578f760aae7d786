//! The API's description against a running evaluator, with schemathesis.
//!
//! It sends what the description allows and what it doesn't, and compares each reply with what the
//! description promises.
//!
//! **Invariant:** nothing is asked of any address but this machine's.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::python::Environment;
use crate::workspace::{Workspace, show, succeed};

const SCHEMATHESIS: &str = "4.32.5";

/// Requests of each kind for each route.
const EXAMPLES: &str = "50";

/// How long the evaluator may take to listen.
const PATIENCE: Duration = Duration::from_secs(90);

/// Schemathesis's Python, set up once.
///
/// # Errors
/// If there is no Python 3, or the package can't be had for it.
pub fn python(workspace: &Workspace) -> Result<PathBuf> {
    let environment = Environment {
        package: "schemathesis",
        version: SCHEMATHESIS,
        others: &[],
    };
    environment.ensure(workspace)
}

/// Has schemathesis check the evaluator that the source makes.
///
/// # Errors
/// If it can't be started, or a reply isn't what the description says.
pub fn check(workspace: &Workspace, python: &Path) -> Result<()> {
    let build = ["build", "--release", "--package", "evaluator"];
    succeed(&mut workspace.cargo(build))?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listen = format!("{address}");
    let arguments = [
        "serve",
        "--models=models",
        "--listen",
        &listen,
        "--bulk",
        "--allow-layer-ranges",
        // All requests come from one address.
        "--address-rate=0",
        "--session-rate=0",
        "--log=warn",
    ];
    let arguments = arguments.map(str::to_owned);
    let mut evaluator = Running::start(workspace.run_binary("evaluator", "evaluator", &arguments))?;
    evaluator.wait_until_it_listens(address)?;
    let url = format!("http://{address}");
    let judgement = workspace.root().join("xtask/schemathesis.toml");
    // It keeps a cache where it runs.
    let directory = workspace.target().join("openapi");
    std::fs::create_dir_all(&directory)?;
    let mut schemathesis = workspace.command(python);
    schemathesis
        .current_dir(directory)
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(judgement)
        .arg("run")
        .arg(format!("{url}/api/v1/openapi.json"))
        .args(["--url", &url, "--checks", "all", "--max-examples", EXAMPLES])
        // Few bytes are keys or ciphertexts, so most that are only bytes are refused.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args([
            "--no-color",
            "--warnings",
            "off",
            "--generation-deterministic",
        ]);
    println!("+ {}", show(&schemathesis));
    succeed(&mut schemathesis)?;
    evaluator.check_it_runs()
}

/// A process that ends with this value.
struct Running(Child);

impl Running {
    fn start(mut command: Command) -> Result<Self> {
        let shown = show(&command);
        let child = command.spawn();
        Ok(Self(child.with_context(|| {
            format!("`{shown}` could not be started")
        })?))
    }

    fn check_it_runs(&mut self) -> Result<()> {
        match self.0.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the evaluator ended with {status}"),
        }
    }

    fn wait_until_it_listens(&mut self, address: SocketAddr) -> Result<()> {
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            self.check_it_runs()?;
            if start.elapsed() > PATIENCE {
                bail!("the evaluator doesn't listen on {address}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
