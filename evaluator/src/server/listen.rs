//! From addresses to a running service, and to its end.
//!
//! **Invariant:** after SIGTERM the service says that it isn't ready, goes on for [`Listeners::drain`],
//! then takes no new connection, finishes what is in flight, and ends within [`Listeners::shutdown`] of
//! that. A connection that stalls is closed.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::{Extensions, Server, ServerHandle};
use actix_web::rt::net::TcpStream;
use actix_web::web::Data;
use actix_web::{HttpServer, rt};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{App, admin, configure};

/// Threads that answer HTTP; the work is elsewhere.
const HTTP_THREADS: usize = 2;

/// How often idle sessions are looked for while nobody calls.
const SWEEP: Duration = Duration::from_secs(60);

/// How long the headers of a request may take.
const HEADERS: Duration = Duration::from_secs(10);

/// How long a connection may be idle; longer than proxies keep theirs, so that none is closed just as
/// it is used again.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long what was sent may stay unacknowledged: whoever vanished or doesn't read is let go.
const UNREAD: Duration = Duration::from_secs(30);

/// Where the service listens, and how it ends.
#[derive(Clone, Copy, Debug)]
pub struct Listeners {
    /// For everybody.
    pub address: SocketAddr,
    /// For whoever runs it, on loopback only.
    pub admin: Option<SocketAddr>,
    /// Connections at a time.
    pub connections: usize,
    /// How long the service goes on after it was told to stop, so that proxies see that it isn't
    /// ready.
    pub drain: Duration,
    /// How long requests in flight may take after that.
    pub shutdown: Duration,
}

/// A service that takes connections as soon as [`Listening::server`] is awaited.
pub struct Listening {
    /// Runs until SIGTERM or SIGINT, then finishes what is in flight.
    pub server: Server,
    /// The addresses it is bound to, with the port that the system chose for port 0.
    pub addresses: Vec<SocketAddr>,
    /// The administrator's addresses.
    pub admin: Vec<SocketAddr>,
}

/// Binds the service. Has to be called from within an actix runtime.
///
/// # Errors
/// An address can't be bound, or signals can't be received.
pub fn listen(app: &Data<App>, listeners: Listeners) -> io::Result<Listening> {
    let served = app.clone();
    let server = HttpServer::new(move || {
        let app = served.clone();
        actix_web::App::new().configure(|config| configure(config, app))
    })
    .workers(HTTP_THREADS)
    .max_connections(listeners.connections.div_ceil(HTTP_THREADS))
    .client_request_timeout(HEADERS)
    .keep_alive(KEEP_ALIVE)
    .on_connect(limit_unread)
    .shutdown_timeout(listeners.shutdown.as_secs())
    .disable_signals()
    .bind(listeners.address)?;
    let addresses = server.addrs();
    let server = server.run();
    let admin = listeners
        .admin
        .map(|address| listen_for_admin(app.clone(), address))
        .transpose()?;
    let mut handles = vec![server.handle()];
    let mut admin_addresses = Vec::new();
    if let Some((admin, addresses)) = admin {
        handles.push(admin.handle());
        rt::spawn(admin);
        admin_addresses = addresses;
    }
    rt::spawn(sweep(app.clone()));
    rt::spawn(reload_on(signal(SignalKind::hangup())?, app.clone()));
    let ends = [SignalKind::terminate(), SignalKind::interrupt()];
    for end in ends {
        let (app, handles) = (app.clone(), handles.clone());
        rt::spawn(stop_on(signal(end)?, app, handles, listeners.drain));
    }
    Ok(Listening {
        server,
        addresses,
        admin: admin_addresses,
    })
}

fn listen_for_admin(app: Data<App>, address: SocketAddr) -> io::Result<(Server, Vec<SocketAddr>)> {
    let address = admin::check_address(address).map_err(io::Error::other)?;
    let server = HttpServer::new(move || {
        let app = app.clone();
        actix_web::App::new().configure(|config| admin::configure(config, app))
    })
    .workers(1)
    .disable_signals()
    .bind(address)?;
    let addresses = server.addrs();
    Ok((server.run(), addresses))
}

fn limit_unread(connection: &dyn Any, _: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>() {
        #[cfg(target_os = "linux")]
        // Where it can't be set, a connection lasts as long as TCP wants.
        let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(UNREAD));
        #[cfg(not(target_os = "linux"))]
        let _ = stream;
    }
}

async fn sweep(app: Data<App>) {
    loop {
        rt::time::sleep(SWEEP).await;
        app.keys.sweep();
    }
}

async fn reload_on(mut signal: Signal, app: Data<App>) {
    while signal.recv().await.is_some() {
        let app = app.clone();
        // What became of it stands in the log.
        let _ = actix_web::web::block(move || app.reload()).await;
    }
}

async fn stop_on(mut signal: Signal, app: Data<App>, handles: Vec<ServerHandle>, drain: Duration) {
    if signal.recv().await.is_none() {
        return;
    }
    app.drain();
    tracing::info!(drain_s = drain.as_secs(), "stopping");
    rt::time::sleep(drain).await;
    for handle in handles {
        handle.stop(true).await;
    }
}
