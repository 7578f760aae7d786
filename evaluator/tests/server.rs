//! The service from outside: replies, errors, page, figures.

mod app;
mod batch;
mod bulk;
mod classify;
mod layers;
mod material;
mod metrics;
mod page;
mod problems;
mod replies;
mod uploads;
