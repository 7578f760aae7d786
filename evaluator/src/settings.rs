//! Every setting of the service, defined once: a flag, a variable and a key of the settings file each.
//!
//! Knows names, values and where each came from; knows neither models nor sockets.
//!
//! **Invariant:** a flag counts more than a variable, a variable more than the file, and the file more
//! than the default; what none of them knows is an error that names the nearest setting there is.

mod file;
mod show;

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use ipnet::IpNet;
use shared::wire::MAX_BATCH;

use crate::import::Approximation;
use crate::server::address::TrustedProxies;
use crate::server::pool::Queue;
use crate::server::rate::RateLimit;
use crate::server::session::Share;
use crate::server::{Limits, Listeners};
pub use file::{FileSettings, SettingsError, with_file};
pub use show::in_force;

/// What to do with activations that are no polynomials.
#[derive(Args, Clone, Debug)]
pub struct Replacing {
    /// Replaces an activation by polynomials, such as relu=chebyshev:7; may be given for each of
    /// relu, tanh, sigmoid, softplus, gelu and silu.
    #[arg(
        long,
        value_name = "OP=chebyshev:DEGREE",
        env = "INKVEIL_APPROXIMATE",
        value_delimiter = ','
    )]
    pub approximate: Vec<Approximation>,
    /// Images that show which values activations are given: an IDX file, or a directory with one.
    #[arg(long, value_name = "FILE|DIR", env = "INKVEIL_CALIBRATE")]
    pub calibrate: Option<PathBuf>,
}

/// The settings of `evaluator serve`.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// A TOML file with settings, named as the flags are.
    #[arg(long, value_name = "FILE", env = "INKVEIL_CONFIG")]
    pub config: Option<PathBuf>,

    /// Directory of ONNX files; each one's name without its ending is the model's id.
    #[arg(long, value_name = "DIR", env = "INKVEIL_MODELS")]
    pub models: PathBuf,
    /// Directory of the built page; without it, only the API is served.
    #[arg(long, value_name = "DIR", env = "INKVEIL_PAGE")]
    pub page: Option<PathBuf>,
    /// Take requests of thousands of images at once; their replies tell more about the weights.
    #[arg(long, env = "INKVEIL_BULK", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true")]
    pub bulk: bool,
    /// Also return what the first layers of a model compute, to whoever asks; that tells nearly all of
    /// their weights.
    #[arg(long, env = "INKVEIL_ALLOW_LAYER_RANGES", action = ArgAction::Set, num_args = 0..=1,
          require_equals = true, default_value_t = false, default_missing_value = "true")]
    pub allow_layer_ranges: bool,
    /// Activations.
    #[command(flatten)]
    pub replacing: Replacing,

    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080", env = "INKVEIL_LISTEN")]
    pub listen: SocketAddr,
    /// Loopback address to take `POST /admin/reload` on; SIGHUP does the same without it.
    #[arg(long, value_name = "ADDRESS", env = "INKVEIL_ADMIN")]
    pub admin: Option<SocketAddr>,
    /// Networks of the proxies whose X-Forwarded-For or Forwarded is believed, such as 127.0.0.1/32.
    #[arg(long, value_name = "NETWORK", env = "INKVEIL_TRUSTED_PROXIES", value_delimiter = ',',
          value_parser = parse_network)]
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may use the API, such as `https://example.org`; the service's own always may.
    #[arg(long, value_name = "ORIGIN", env = "INKVEIL_CORS_ORIGINS", value_delimiter = ',',
          value_parser = parse_origin)]
    pub cors_origins: Vec<String>,
    /// File of the tokens that are accepted, in lines that `evaluator token NAME` makes; without it
    /// everybody is let in.
    #[arg(long, value_name = "FILE", env = "INKVEIL_TOKENS")]
    pub tokens: Option<PathBuf>,
    /// Connections at a time.
    #[arg(
        long,
        value_name = "N",
        default_value = "4096",
        env = "INKVEIL_CONNECTIONS"
    )]
    pub connections: NonZero<u32>,
    /// Seconds to go on after SIGTERM while /readyz says no.
    #[arg(long, value_name = "S", default_value = "0", env = "INKVEIL_DRAIN_S")]
    pub drain_s: u32,
    /// Seconds that requests in flight may take after that.
    #[arg(
        long,
        value_name = "S",
        default_value = "10",
        env = "INKVEIL_SHUTDOWN_S"
    )]
    pub shutdown_s: u32,

    /// Threads for the arithmetic; as many as there are cores if not given.
    #[arg(long, value_name = "N", env = "INKVEIL_THREADS")]
    pub threads: Option<NonZero<usize>>,
    /// Requests with arithmetic running or waiting; 16 for each thread if not given.
    #[arg(long, value_name = "N", env = "INKVEIL_QUEUE")]
    pub queue: Option<NonZero<usize>>,
    /// Milliseconds that a request waits for its turn.
    #[arg(
        long,
        value_name = "MS",
        default_value = "5000",
        env = "INKVEIL_QUEUE_WAIT_MS"
    )]
    pub queue_wait_ms: NonZero<u32>,
    /// Seconds that one evaluation may take.
    #[arg(
        long,
        value_name = "S",
        default_value = "30",
        env = "INKVEIL_EVALUATION_S"
    )]
    pub evaluation_s: NonZero<u32>,
    /// Digits in one request.
    #[arg(long, value_name = "N", default_value_t = MAX_BATCH as u16, env = "INKVEIL_BATCH",
          value_parser = clap::value_parser!(u16).range(1..=MAX_BATCH as i64))]
    pub batch: u16,
    /// Digits being received, waiting or evaluated at a time, half of them of one address.
    #[arg(long, value_name = "N", default_value = "1024", env = "INKVEIL_INPUTS")]
    pub inputs: NonZero<u32>,
    /// Uploads of evaluation keys being received at a time, half of them of one address.
    #[arg(long, value_name = "N", default_value = "32", env = "INKVEIL_UPLOADS")]
    pub uploads: NonZero<u32>,
    /// Largest upload of evaluation keys, in MiB.
    #[arg(
        long,
        value_name = "MIB",
        default_value = "16",
        env = "INKVEIL_KEY_BODY_MIB"
    )]
    pub key_body_mib: NonZero<u16>,
    /// Largest request to classify, in MiB; never more is read than a full batch takes.
    #[arg(
        long,
        value_name = "MIB",
        default_value = "16",
        env = "INKVEIL_INPUT_BODY_MIB"
    )]
    pub input_body_mib: NonZero<u16>,
    /// Largest request of thousands of images, in MiB; never more is read than the model's takes.
    #[arg(
        long,
        value_name = "MIB",
        default_value = "128",
        env = "INKVEIL_BULK_BODY_MIB"
    )]
    pub bulk_body_mib: NonZero<u16>,

    /// Where sessions are: `memory`, or the address of a Redis that several evaluators share, such as
    /// `redis://127.0.0.1:6379/0`.
    #[arg(long, value_name = "WHERE", default_value = "memory", env = "INKVEIL_SESSIONS",
          value_parser = parse_sessions)]
    pub sessions: Sessions,
    /// Seconds after which a session is forgotten, however much it is used.
    #[arg(
        long,
        value_name = "S",
        default_value = "86400",
        env = "INKVEIL_SESSION_TTL_S"
    )]
    pub session_ttl_s: NonZero<u32>,
    /// Seconds after which a session that isn't used is forgotten.
    #[arg(
        long,
        value_name = "S",
        default_value = "3600",
        env = "INKVEIL_SESSION_IDLE_S"
    )]
    pub session_idle_s: NonZero<u32>,
    /// Sessions at a time; past it, those go that were idle longest.
    #[arg(
        long,
        value_name = "N",
        default_value = "10000",
        env = "INKVEIL_SESSION_COUNT"
    )]
    pub session_count: NonZero<u32>,
    /// Evaluation keys held at a time, in MiB; past it, sessions go that were idle longest.
    #[arg(
        long,
        value_name = "MIB",
        default_value = "2048",
        env = "INKVEIL_SESSION_MIB"
    )]
    pub session_mib: NonZero<u32>,
    /// Sessions of one address at a time.
    #[arg(
        long,
        value_name = "N",
        default_value = "1000",
        env = "INKVEIL_ADDRESS_SESSIONS"
    )]
    pub address_sessions: NonZero<u32>,
    /// Evaluation keys of one address, in MiB.
    #[arg(
        long,
        value_name = "MIB",
        default_value = "512",
        env = "INKVEIL_ADDRESS_SESSION_MIB"
    )]
    pub address_session_mib: NonZero<u32>,
    /// Requests a second of one address; 0 for any number.
    #[arg(
        long,
        value_name = "N",
        default_value = "200",
        env = "INKVEIL_ADDRESS_RATE"
    )]
    pub address_rate: u32,
    /// Requests of one address at once after a pause.
    #[arg(
        long,
        value_name = "N",
        default_value = "400",
        env = "INKVEIL_ADDRESS_BURST"
    )]
    pub address_burst: NonZero<u32>,
    /// Requests a second to one session; 0 for any number.
    #[arg(
        long,
        value_name = "N",
        default_value = "50",
        env = "INKVEIL_SESSION_RATE"
    )]
    pub session_rate: u32,
    /// Requests to one session at once after a pause.
    #[arg(
        long,
        value_name = "N",
        default_value = "100",
        env = "INKVEIL_SESSION_BURST"
    )]
    pub session_burst: NonZero<u32>,

    /// What is logged: error, warn, info, debug or trace, also by module, such as info,evaluator=debug.
    #[arg(
        long,
        value_name = "FILTER",
        default_value = "info",
        env = "INKVEIL_LOG"
    )]
    pub log: String,
    /// Form of the log.
    #[arg(
        long,
        value_name = "FORM",
        default_value = "text",
        env = "INKVEIL_LOG_FORMAT"
    )]
    pub log_format: LogFormat,
    /// Log the address of each request, an IPv6 one by its /64.
    #[arg(long, env = "INKVEIL_LOG_ADDRESSES", action = ArgAction::Set, num_args = 0..=1,
          require_equals = true, default_value_t = false, default_missing_value = "true")]
    pub log_addresses: bool,
    /// OpenTelemetry collector that traces are sent to, as OTLP over HTTP, such as
    /// `http://127.0.0.1:4318`.
    #[arg(long, value_name = "URL", env = "INKVEIL_OTLP")]
    pub otlp: Option<String>,
}

/// Where sessions are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// In this process.
    Memory,
    /// In a Redis with this address.
    Redis(String),
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

fn parse_sessions(words: &str) -> Result<Sessions, String> {
    match words {
        "memory" => Ok(Sessions::Memory),
        _ if words.starts_with("redis://") => Ok(Sessions::Redis(words.to_owned())),
        _ => Err("it is `memory` or an address such as redis://127.0.0.1:6379/0".to_owned()),
    }
}

/// A network, or an address, which is a network of one.
fn parse_network(words: &str) -> Result<IpNet, String> {
    let address = || {
        words
            .parse()
            .ok()
            .map(|address: std::net::IpAddr| address.into())
    };
    let network = words.parse().ok().or_else(address);
    network.ok_or_else(|| "it is an address or a network, such as 10.0.0.0/8".to_owned())
}

fn parse_origin(words: &str) -> Result<String, String> {
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| words.strip_prefix(scheme));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '*', '?', '#', '@']) => {
            Ok(words.to_owned())
        }
        _ => {
            Err("it is a scheme and a host, such as https://example.org, without a path".to_owned())
        }
    }
}

const MIB: u64 = 1 << 20;

impl Settings {
    /// The limits.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let cores = || thread::available_parallelism().map_or(1, NonZero::get);
        let mut limits = Limits::for_threads(self.threads.map_or_else(cores, NonZero::get));
        limits.queue = Queue {
            places: self.queue.map_or(limits.queue.places, NonZero::get),
            wait: Duration::from_millis(u64::from(self.queue_wait_ms.get())),
        };
        limits.evaluation = seconds(self.evaluation_s.get());
        limits.batch = usize::from(self.batch);
        limits.inputs = self.inputs.get() as usize;
        limits.uploads = self.uploads.get() as usize;
        let mib = |size: NonZero<u16>| usize::from(size.get()) << 20;
        limits.key_body.bytes = mib(self.key_body_mib);
        limits.input_body.bytes = mib(self.input_body_mib);
        limits.bulk_body.bytes = mib(self.bulk_body_mib);
        limits.sessions.life = seconds(self.session_ttl_s.get());
        limits.sessions.idle = seconds(self.session_idle_s.get());
        limits.sessions.all = share(self.session_count, self.session_mib);
        limits.sessions.each = share(self.address_sessions, self.address_session_mib);
        limits.address_rate = RateLimit {
            per_second: self.address_rate,
            burst: self.address_burst.get(),
        };
        limits.session_rate = RateLimit {
            per_second: self.session_rate,
            burst: self.session_burst.get(),
        };
        limits
    }

    /// Where to listen, and how to end.
    #[must_use]
    pub fn listeners(&self) -> Listeners {
        Listeners {
            address: self.listen,
            admin: self.admin,
            connections: self.connections.get() as usize,
            drain: seconds(self.drain_s),
            shutdown: seconds(self.shutdown_s),
        }
    }

    /// The proxies whose word counts.
    #[must_use]
    pub fn proxies(&self) -> TrustedProxies {
        TrustedProxies::new(self.trusted_proxies.clone())
    }
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(u64::from(count))
}

fn share(count: NonZero<u32>, mib: NonZero<u32>) -> Share {
    Share {
        count: count.get() as usize,
        bytes: u64::from(mib.get()) * MIB,
    }
}

#[cfg(test)]
mod tests;
