//! Training, its data and its products.

mod cache;
mod data;
mod drawn;
mod files;
mod preparation;
mod runtime;
mod shipped;
mod small_run;
