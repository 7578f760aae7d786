//! The real Caddy with `deploy/Caddyfile`.

use anyhow::{Result, ensure};
use tests::caddy::Caddy;
use tests::front::Front;

use super::visit::{self, evaluator, evaluator_with};

#[test]
fn under_a_prefix_everything_works() -> Result<()> {
    let evaluator = evaluator()?;
    let caddy = Caddy::start(&[evaluator.address()])?;
    visit::check_page_and_api(&caddy)?;
    visit::check_classification(&caddy)?;
    visit::check_inside_stays_inside(&caddy, &evaluator)?;
    visit::check_files(&caddy)
}

#[test]
fn who_sends_too_much_hears_it_from_the_evaluator() -> Result<()> {
    let evaluator = evaluator()?;
    let caddy = Caddy::start(&[evaluator.address()])?;
    // Caddy passes bodies on as they come, and may lose the end of a refusal that comes before
    // theirs.
    tests::wait_for("a whole refusal", || {
        match visit::check_large_bodies(&caddy) {
            Err(error) if format!("{error:#}").contains("curl: (18)") => Ok(None),
            whole => whole.map(Some),
        }
    })
}

#[test]
fn no_session_id_is_logged() -> Result<()> {
    let evaluator = evaluator()?;
    let caddy = Caddy::start(&[evaluator.address()])?;
    visit::check_quiet_log(&caddy, evaluator)
}

#[test]
fn no_address_is_believed_that_a_client_names() -> Result<()> {
    let evaluator = evaluator_with(&["--log-addresses"])?;
    let caddy = Caddy::start(&[evaluator.address()])?;
    visit::check_forged_addresses(&caddy, &evaluator)
}

#[test]
fn a_dead_replica_is_passed_by() -> Result<()> {
    let (alive, dies) = (evaluator()?, evaluator()?);
    let caddy = Caddy::start(&[alive.address(), dies.address()])?;
    dies.stop()?;
    for _ in 0..10 {
        let reply = caddy.curl("/api/v1/models", &[])?;
        ensure!(reply.status == 200, "{reply:?}");
    }
    Ok(())
}
