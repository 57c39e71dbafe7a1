//! The system, from the outside. One binary: it links once.

mod invariants;
mod site;
mod worker;
mod world;

mod background;
mod command_line;
mod crash;
mod crawls;
mod isolation;
mod lifecycle;
mod metrics;
mod reports;
mod startup;
mod tidy;
mod worker_protocol;
