//! The service from outside: replies, errors, page, figures.

mod admission;
mod app;
mod batch;
mod bulk;
mod classify;
mod layers;
mod limits;
mod material;
mod metrics;
mod openapi;
mod page;
mod problems;
mod reload;
mod replies;
mod uploads;
