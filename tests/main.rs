//! The system, from the outside. One binary: it links once.

mod invariants;
mod site;
mod world;

mod crash;
mod crawls;
mod isolation;
mod lifecycle;
mod reports;
mod startup;
mod tidy;
mod worker_protocol;
