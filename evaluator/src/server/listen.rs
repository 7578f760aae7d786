//! From an address to a running service.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::web::Data;
use actix_web::{HttpServer, rt};

use super::{App, configure};

/// Threads that answer HTTP; the work is elsewhere.
const HTTP_THREADS: usize = 2;

/// How long requests in flight may take after the service was told to stop, in seconds.
const SHUTDOWN_S: u64 = 10;

/// How often idle sessions are looked for while nobody calls.
const SWEEP: Duration = Duration::from_secs(60);

/// A service that takes connections as soon as [`Listening::server`] is awaited.
pub struct Listening {
    /// Runs until SIGTERM, SIGINT or ctrl-c, then finishes what is in flight.
    pub server: Server,
    /// The addresses it is bound to, with the port that the system chose for port 0.
    pub addresses: Vec<SocketAddr>,
}

/// Binds the service. Has to be called from within an actix runtime.
///
/// # Errors
/// The address can't be bound.
pub fn listen(app: Data<App>, address: SocketAddr) -> io::Result<Listening> {
    let sweeper = app.clone();
    let server = HttpServer::new(move || {
        let app = app.clone();
        actix_web::App::new().configure(|config| configure(config, app))
    })
    .workers(HTTP_THREADS)
    .shutdown_timeout(SHUTDOWN_S)
    .bind(address)?;
    let addresses = server.addrs();
    rt::spawn(async move {
        loop {
            rt::time::sleep(SWEEP).await;
            sweeper.sessions.sweep();
        }
    });
    Ok(Listening {
        server: server.run(),
        addresses,
    })
}
