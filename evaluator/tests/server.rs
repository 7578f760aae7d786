//! The service from outside: replies, errors, page, figures.

mod app;
mod classify;
mod metrics;
mod page;
mod problems;
mod replies;
