//! What a host writes and proxies say: the settings file, the file of tokens, addresses in headers.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderValue, X_FORWARDED_FOR};
use clap::{Args, Command};
use evaluator::server::address::TrustedProxies;
use evaluator::server::tokens::Tokens;
use evaluator::settings::{FileSettings, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: fuzz::seeds(seeds), |bytes: &[u8]| run(bytes));

fn run(bytes: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        let proxy = IpAddr::from(Ipv4Addr::LOCALHOST);
        let proxies = TrustedProxies::new(vec![proxy.into()]);
        for name in [X_FORWARDED_FOR, FORWARDED] {
            let headers: HeaderMap = [(name, value.clone())].into_iter().collect();
            let _ = proxies.client(Some(proxy), &headers);
            let stranger = IpAddr::from([192, 0, 2, 1]);
            let found = proxies.client(Some(stranger), &headers);
            assert!(found.ip() == stranger, "a stranger was believed");
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let _ = Tokens::parse(text);
    let command = Settings::augment_args(Command::new("serve"));
    if let Ok(file) = FileSettings::parse("fuzz", text, &command) {
        // What is missing may still be given, but no value of the file is refused later.
        let command = file.apply(command);
        let matches = command.try_get_matches_from(["serve", "--models", "m"]);
        assert!(matches.is_ok(), "{matches:?}");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        include_str!("../../deploy/evaluator.toml"),
        "models = \"m\"\nbulk = true\nbatch = 8\ntrusted-proxies = [\"10.0.0.0/8\", \"::1\"]\n",
        "ada ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n",
        "203.0.113.9, 198.51.100.7:4711, 10.1.2.3",
        "for=\"[2001:db8::1]:4711\";proto=https;by=_a, for=198.51.100.7",
    ];
    texts.map(|text| text.as_bytes().to_vec()).into()
}
