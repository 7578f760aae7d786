//! What a host puts around the evaluator: the files in `deploy/`, behind the real proxies.

mod caddy;
mod dashboard;
mod files;
mod guide;
mod nginx;
mod unit;
mod visit;
