//! The real nginx with `deploy/nginx.conf`.

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::browser::Browser;
use tests::front::{Front, PREFIX};
use tests::nginx::Nginx;
use tests::page::Page;
use tests::root;
use tests::server::{Server, free_address};
use tests::webdriver::Pointer;

use super::visit::{self, evaluator, evaluator_with};
use crate::browser::{WINDOW, read_digit};

#[test]
fn under_a_prefix_everything_works() -> Result<()> {
    let evaluator = evaluator()?;
    let nginx = Nginx::start(&[evaluator.address()], PREFIX)?;
    visit::check_page_and_api(&nginx)?;
    visit::check_classification(&nginx)?;
    visit::check_inside_stays_inside(&nginx, &evaluator)?;
    visit::check_files(&nginx)
}

#[test]
fn at_the_root_everything_works() -> Result<()> {
    let evaluator = evaluator()?;
    let nginx = Nginx::start(&[evaluator.address()], "/")?;
    visit::check_page_and_api(&nginx)?;
    visit::check_classification(&nginx)?;
    visit::check_inside_stays_inside(&nginx, &evaluator)?;
    visit::check_files(&nginx)
}

#[test]
fn who_sends_too_much_hears_it_from_the_evaluator() -> Result<()> {
    let evaluator = evaluator()?;
    visit::check_large_bodies(&Nginx::start(&[evaluator.address()], PREFIX)?)
}

#[test]
fn no_session_id_is_logged() -> Result<()> {
    let evaluator = evaluator()?;
    let nginx = Nginx::start(&[evaluator.address()], PREFIX)?;
    visit::check_quiet_log(&nginx, evaluator)
}

#[test]
fn no_address_is_believed_that_a_client_names() -> Result<()> {
    let evaluator = evaluator_with(&["--log-addresses"])?;
    let nginx = Nginx::start(&[evaluator.address()], PREFIX)?;
    visit::check_forged_addresses(&nginx, &evaluator)
}

#[test]
fn whoever_comes_without_tls_or_slash_is_sent_on() -> Result<()> {
    let nginx = Nginx::start(&[free_address()?], PREFIX)?;
    let url = nginx.plain_url("/api/v1/models?x=1");
    let answer = tests::server::agent().get(&url).call()?;
    ensure!(answer.status() == 308, "{}", answer.status());
    let location = answer.headers().get("location").context("no location")?;
    ensure!(
        location == "https://127.0.0.1/digits/api/v1/models?x=1",
        "{location:?}"
    );
    let bare = format!("{}/digits", nginx.origin());
    let answer = nginx.agent()?.get(&bare).call()?;
    ensure!(answer.status() == 308, "{}", answer.status());
    let location = answer.headers().get("location").context("no location")?;
    ensure!(location == PREFIX, "{location:?}");
    let elsewhere = nginx.agent()?.get(format!("{}/other", nginx.origin()));
    ensure!(elsewhere.call()?.status() == 404, "/other is served");
    Ok(())
}

#[test]
fn without_an_evaluator_clients_are_told_to_come_back() -> Result<()> {
    let evaluator = evaluator()?;
    let address = evaluator.address();
    let nginx = Nginx::start(&[address], PREFIX)?;
    evaluator.stop()?;
    let reply = nginx.curl("/api/v1/models", &[])?;
    ensure!(reply.status == 503, "{reply:?}");
    ensure!(
        reply.text().contains("No evaluator can be reached"),
        "{reply:?}"
    );
    let _again = Server::start_with(&root().join("models"), None, Some(address))?;
    tests::wait_for("the evaluator behind nginx", || {
        Ok((nginx.curl("/api/v1/models", &[])?.status == 200).then_some(()))
    })
}

#[test]
fn a_dead_replica_is_passed_by() -> Result<()> {
    let (alive, dies) = (evaluator()?, evaluator()?);
    let nginx = Nginx::start(&[alive.address(), dies.address()], PREFIX)?;
    let ask = || -> Result<()> {
        let reply = nginx.curl("/api/v1/models", &[])?;
        ensure!(reply.status == 200, "{reply:?}");
        // No keys at all: an answer, and one that only an evaluator gives.
        let kind = ["--header", "Content-Type: application/octet-stream"];
        let arguments = [&kind[..], &["--data-binary", "no keys"]].concat();
        let reply = nginx.curl("/api/v1/sessions", &arguments)?;
        ensure!(reply.status == 400, "{reply:?}");
        ensure!(reply.text().contains("/problems/"), "{reply:?}");
        Ok(())
    };
    for _ in 0..4 {
        ask()?;
    }
    dies.stop()?;
    for _ in 0..10 {
        ask()?;
    }
    Ok(())
}

/// Takes requests and breaks off, as an evaluator that is killed does; counts them.
fn break_off() -> Result<(SocketAddr, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            // Errors leave the request unread, which is as good as broken off.
            let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
            let mut request = [0; 1024];
            if stream.read(&mut request).is_ok_and(|bytes| bytes > 0) {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    Ok((address, count))
}

#[test]
fn a_request_that_breaks_off_is_sent_to_another_replica() -> Result<()> {
    let evaluator = evaluator()?;
    let (broken, count) = break_off()?;
    // A replica that failed is left alone for five seconds; here it is asked each time.
    let always = [("max_fails=1 fail_timeout=5s", "max_fails=0")];
    let nginx = Nginx::start_with(&[evaluator.address(), broken], PREFIX, &always)?;
    for _ in 0..6 {
        let kind = ["--header", "Content-Type: application/octet-stream"];
        let arguments = [&kind[..], &["--data-binary", "no keys"]].concat();
        let reply = nginx.curl("/api/v1/sessions", &arguments)?;
        ensure!(reply.status == 400, "{reply:?}");
        ensure!(reply.text().contains("/problems/"), "{reply:?}");
    }
    ensure!(count.load(Ordering::SeqCst) > 0, "nothing broke off");
    Ok(())
}

#[test]
fn a_restart_of_nginx_loses_no_session() -> Result<()> {
    let evaluator = evaluator()?;
    let mut nginx = Nginx::start(&[evaluator.address()], PREFIX)?;
    let id = visit::Visitor::open(&nginx)?.id;
    nginx.restart()?;
    let reply = nginx.curl(&format!("/api/v1/sessions/{id}"), &[])?;
    ensure!(reply.status == 200, "{reply:?}");
    Ok(())
}

#[test]
fn a_person_draws_under_the_prefix() -> Result<()> {
    let evaluator = evaluator()?;
    let nginx = Nginx::start(&[evaluator.address()], PREFIX)?;
    // Nobody vouches for the certificate.
    let flags = ["--ignore-certificate-errors"];
    let browser = Browser::start_with_flags(WINDOW.0, WINDOW.1, None, &flags)?;
    let page = Page::open(&browser, &nginx.url("/"))?;
    read_digit(&page, Pointer::Mouse, 7)?;
    let script = "return performance.getEntriesByType('resource')
        .concat(performance.getEntriesByType('navigation'))
        .map(entry => [entry.name, entry.nextHopProtocol]);";
    let loaded = browser.script(script, &[])?;
    let loaded = loaded.as_array().context("no list")?;
    ensure!(!loaded.is_empty(), "nothing was loaded");
    for entry in loaded {
        let name = entry[0].as_str().unwrap_or_default();
        ensure!(name.starts_with(&nginx.url("/")), "{name} is elsewhere");
        ensure!(entry[1] == "h2", "{entry}");
    }
    let errors = browser.console_errors()?;
    ensure!(errors.is_empty(), "{errors:?}");
    Ok(())
}
