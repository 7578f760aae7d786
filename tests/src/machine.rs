//! What a figure has to be read with: the machine it was measured on.

use std::fs;

use shared::ring::backend::kernel;

/// The processor's name, its cores and the kernels in use.
#[must_use]
pub fn describe() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpu.lines().find_map(|line| line.strip_prefix(name))?;
        line.split(": ").nth(1).map(str::to_owned)
    };
    let name = field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let clock = field("cpu MHz").and_then(|clock| clock.parse::<f64>().ok());
    let clock = clock.map_or_else(String::new, |mhz| format!(" at {:.1} GHz", mhz / 1e3));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{name}{clock}, {cores} cores, {} kernels", kernel().name())
}

/// Processes that wanted a core in the last minute; only Linux tells.
#[must_use]
pub fn load() -> Option<String> {
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    load.split_whitespace().next().map(str::to_owned)
}
