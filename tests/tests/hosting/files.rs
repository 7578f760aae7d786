//! The files in `deploy/` that no test starts (that takes a container engine): what they name
//! exists, and they agree with each other.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tests::root;
use tests::server::{Server, binary, free_address};

fn read(file: &str) -> Result<String> {
    fs::read_to_string(root().join(file)).with_context(|| file.to_owned())
}

/// Instructions of a Dockerfile: continued lines joined, comments left out.
fn instructions() -> Result<Vec<(String, String)>> {
    let text = read("deploy/Dockerfile")?.replace("\\\n", " ");
    let lines = text.lines().map(str::trim);
    let split = |line: &str| {
        let (name, rest) = line.split_once(' ')?;
        Some((name.to_owned(), rest.trim().to_owned()))
    };
    Ok(lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(split)
        .collect())
}

fn of<'a>(all: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    let named = all.iter().filter(|(key, _)| key == name);
    named.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn the_image_copies_what_is_built() -> Result<()> {
    let all = instructions()?;
    let stages: Vec<&str> = of(&all, "FROM")
        .iter()
        .filter_map(|from| Some(from.split_once(" AS ")?.1))
        .collect();
    let build = "cargo build --release --locked --package evaluator --bin evaluator";
    ensure!(
        of(&all, "RUN") == [build, "cargo xtask test page"],
        "{:?}",
        of(&all, "RUN")
    );
    ensure!(of(&all, "WORKDIR").iter().all(|&place| place == "/src"));
    let copies: Vec<Vec<&str>> = of(&all, "COPY")
        .iter()
        .map(|copy| copy.split_whitespace().collect())
        .collect();
    let mut installed = Vec::new();
    for copy in copies.iter().filter(|copy| copy.len() == 3) {
        let stage = copy[0].strip_prefix("--from=").context("no stage")?;
        ensure!(stages.contains(&stage), "no stage {stage}");
        let source = copy[1].strip_prefix("/src/").context("not from /src")?;
        // Either it is part of the source, or one of the two commands makes it.
        let is_made = ["target/release/evaluator", "dist"].contains(&source);
        ensure!(is_made || root().join(source).exists(), "no {source}");
        installed.push(copy[2]);
    }
    ensure!(installed.len() == 3, "{copies:?}");
    ensure!(of(&all, "ENTRYPOINT") == [format!("[\"{}\"]", installed[0])]);
    let environment = of(&all, "ENV").join(" ");
    for (variable, place) in [
        ("INKVEIL_MODELS", installed[1]),
        ("INKVEIL_PAGE", installed[2]),
    ] {
        let set = format!("{variable}={place} ");
        ensure!(environment.contains(&set), "no `{set}` in {environment}");
    }
    // Numbers: such a user needs no entry anywhere, and isn't root.
    ensure!(
        of(&all, "USER") == ["10001:10001"],
        "{:?}",
        of(&all, "USER")
    );
    Ok(())
}

#[test]
fn the_image_is_built_with_the_pinned_toolchain_on_one_release() -> Result<()> {
    let toolchain = read("rust-toolchain.toml")?;
    let pinned = toolchain
        .lines()
        .find_map(|line| line.strip_prefix("channel = \""))
        .context("no channel")?
        .trim_end_matches('"');
    let all = instructions()?;
    let images: Vec<&str> = of(&all, "FROM")
        .iter()
        .filter_map(|from| from.split(' ').next())
        .collect();
    for image in &images {
        ensure!(!image.contains('/'), "{image} names a registry");
        ensure!(image.ends_with("bookworm") || image.ends_with("bookworm-slim"));
        if let Some(version) = image.strip_prefix("rust:") {
            let version = version.split('-').next().unwrap_or_default();
            ensure!(pinned.starts_with(version), "{image} isn't {pinned}");
        }
    }
    ensure!(images.last() == Some(&"debian:bookworm-slim"), "{images:?}");
    Ok(())
}

#[test]
fn the_health_check_tells_a_ready_evaluator_from_none() -> Result<()> {
    let all = instructions()?;
    let check = of(&all, "HEALTHCHECK");
    let (_, words) = check
        .first()
        .and_then(|check| check.split_once("CMD "))
        .context("no health check")?;
    let words: Vec<String> = serde_json::from_str(words)?;
    let healthy = |port: u16| -> Result<bool> {
        let there = format!("/dev/tcp/127.0.0.1/{port} ");
        let script = words[2].replace("/dev/tcp/127.0.0.1/8080 ", &there);
        ensure!(script.contains(&there), "{script}");
        let output = Command::new(&words[0])
            .args([&words[1], &script])
            .output()?;
        Ok(output.status.success())
    };
    let server = Server::start_with(&root().join("models"), None, None)?;
    ensure!(healthy(server.address().port())?, "a ready one fails");
    ensure!(!healthy(free_address()?.port())?, "nobody passes");
    // Somebody who answers, but doesn't say 200.
    let other = tiny_http::Server::http("127.0.0.1:0").map_err(anyhow::Error::msg)?;
    let port = other.server_addr().to_ip().context("no port")?.port();
    let answer = std::thread::spawn(move || -> Result<()> {
        let request = other.recv()?;
        ensure!(request.url() == "/readyz", "{}", request.url());
        Ok(request.respond(tiny_http::Response::empty(503))?)
    });
    ensure!(!healthy(port)?, "one that isn't ready passes");
    answer.join().expect("no panic")
}

/// A service of the compose file: the lines that are indented below its name.
fn service(name: &str) -> Result<String> {
    let text = read("deploy/compose.yaml")?;
    let start = text
        .find(&format!("\n  {name}:\n"))
        .with_context(|| name.to_owned())?;
    let rest = text.get(start + 1..).unwrap_or_default();
    let lines = rest.lines().enumerate();
    let inside = lines.take_while(|(at, line)| {
        *at == 0 || line.is_empty() || line.starts_with("    ") || line.starts_with("  #")
    });
    Ok(inside.map(|(_, line)| format!("{line}\n")).collect())
}

#[test]
fn only_nginx_is_open_to_the_outside() -> Result<()> {
    let text = read("deploy/compose.yaml")?;
    ensure!(text.matches("ports:").count() == 1);
    let nginx = service("nginx")?;
    ensure!(nginx.contains("ports:"), "{nginx}");
    ensure!(text.matches("[inside]").count() == 2, "who is where?");
    ensure!(text.contains("  inside:\n    internal: true\n"));
    for file in ["nginx-compose.conf", "tls"] {
        ensure!(nginx.contains(&format!("- ./{file}:")), "{nginx}");
    }
    ensure!(root().join("deploy/nginx-compose.conf").is_file());
    ensure!(text.contains("    context: ..\n    dockerfile: deploy/Dockerfile\n"));
    // The evaluators believe nginx, and nobody else on their network.
    let address = nginx
        .lines()
        .find_map(|line| line.trim().strip_prefix("ipv4_address: "))
        .context("nginx has no address")?;
    ensure!(text.contains(&format!("INKVEIL_TRUSTED_PROXIES: {address}/32\n")));
    Ok(())
}

#[test]
fn nginx_in_containers_is_nginx_on_a_host() -> Result<()> {
    // What differs: comments, the evaluators, and what belongs to a host.
    let theirs = ["server ", "server_name ", "access_log ", "error_log "];
    let lines = |file: &str| -> Result<Vec<String>> {
        let text = read(file)?;
        let lines = text.lines().map(str::trim);
        Ok(lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .filter(|line| !theirs.iter().any(|word| line.starts_with(word)) || line.ends_with('{'))
            .map(str::to_owned)
            .collect())
    };
    let (host, containers) = (
        lines("deploy/nginx.conf")?,
        lines("deploy/nginx-compose.conf")?,
    );
    ensure!(host.len() > 50, "{host:?}");
    ensure!(host == containers, "{host:#?}\n{containers:#?}");
    let text = read("deploy/nginx-compose.conf")?;
    for name in ["evaluator-1", "evaluator-2"] {
        ensure!(text.contains(&format!("server {name}:8080 ")), "no {name}");
        service(name).or_else(|_| {
            let text = read("deploy/compose.yaml")?;
            let anchored = format!("\n  {name}: *evaluator\n");
            ensure!(text.contains(&anchored), "no service {name}");
            Ok(anchored)
        })?;
    }
    Ok(())
}

/// What `evaluator serve --help` says.
fn help() -> Result<String> {
    let output = Command::new(binary()?).args(["serve", "--help"]).output()?;
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn settings_are_the_evaluators() -> Result<()> {
    let help = help()?;
    let known: BTreeSet<&str> = help
        .split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)))
        .collect();
    let mut variables = BTreeSet::new();
    for file in ["deploy/compose.yaml", "deploy/Dockerfile"] {
        let text = read(file)?;
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        variables.extend(
            words
                .filter(|word| word.starts_with("INKVEIL_"))
                .map(str::to_owned),
        );
    }
    ensure!(variables.len() > 5, "{variables:?}");
    for variable in &variables {
        ensure!(known.contains(variable.as_str()), "no setting {variable}");
    }
    Ok(())
}

/// `evaluator config` with this text for a file.
fn config(text: &str) -> Result<(bool, String)> {
    let directory = TempDir::new()?;
    let file = directory.path().join("evaluator.toml");
    fs::write(&file, text)?;
    let output = Command::new(binary()?)
        .args(["config", "--config"])
        .arg(&file)
        .output()?;
    let printed = [output.stdout, output.stderr].concat();
    Ok((
        output.status.success(),
        String::from_utf8_lossy(&printed).into_owned(),
    ))
}

/// The settings that a comment holds, uncommented; of two with one name the first.
fn uncommented(text: &str) -> String {
    let mut seen = BTreeSet::new();
    let mut all = String::new();
    for line in text.lines() {
        let setting = line.strip_prefix("# ").unwrap_or(line);
        let Some((name, _)) = setting.split_once(" = ") else {
            continue;
        };
        let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        if is_name && seen.insert(name.to_owned()) {
            all += setting;
            all.push('\n');
        }
    }
    all
}

#[test]
fn the_example_of_a_configuration_is_one() -> Result<()> {
    let example = read("deploy/evaluator.toml")?;
    let (is_good, printed) = config(&example)?;
    ensure!(is_good, "{printed}");
    let all = uncommented(&example);
    ensure!(all.lines().count() > 30, "{all}");
    let (is_good, printed) = config(&all)?;
    ensure!(is_good, "{all}\n{printed}");
    // What the file calls a default is one.
    let (is_good, defaults) = config("models = \"models\"\n")?;
    ensure!(is_good, "{defaults}");
    let comments = example.lines().filter_map(|line| line.strip_prefix("# "));
    let mut compared = 0;
    for setting in comments.filter(|setting| all.lines().any(|line| line == *setting)) {
        let name = setting.split(' ').next().unwrap_or_default();
        let has_none = defaults.contains(&format!("# {name} is not set\n"));
        let is_default = defaults.contains(&format!("{setting} # default\n"));
        ensure!(has_none || is_default, "{setting} isn't in\n{defaults}");
        compared += usize::from(is_default);
    }
    ensure!(compared > 20, "only {compared} defaults were compared");
    let (is_good, printed) = config(&format!("{all}\nsession-mibs = 1\n"))?;
    ensure!(!is_good && printed.contains("session-mib"), "{printed}");
    Ok(())
}
