//! Puts the pieces together. The only crate that knows them all.

mod built_in;
pub mod config;
mod console;
pub mod database;
pub mod demo;
mod forgetting;
mod people;
pub mod roles;
pub mod services_file;
pub mod system;
pub mod telemetry;

pub use workers::tls;
