//! Which server, and what opens it: the same for every command that asks one.
//!
//! **Invariant:** a token is shown neither by the help nor by a message.

use anyhow::{Context, Result};

use super::Server;

/// Which server, and what opens it.
#[derive(clap::Args)]
pub struct Access {
    /// Address of the evaluator, such as `http://127.0.0.1:8080`.
    #[arg(long, value_name = "URL", env = "INKVEIL_SERVER")]
    server: String,
    /// The token that a private evaluator's host gave you. The variable is the better place for it:
    /// others on this machine can read a program's arguments.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "INKVEIL_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
}

impl Access {
    /// The server; it isn't asked anything yet.
    ///
    /// # Errors
    /// If address or token can't be one.
    pub fn server(&self) -> Result<Server> {
        let token = self.token.as_deref().map(str::parse).transpose();
        let token = token.context("--token or INKVEIL_TOKEN can't be used")?;
        Ok(Server::new(&self.server, token)?)
    }

    /// The address as it was given.
    pub fn address(&self) -> &str {
        &self.server
    }
}
