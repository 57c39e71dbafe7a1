//! The schema from outside: as a contract, and answered by a whole system on a real database.

mod access;
mod accounts;
mod letters;
mod contract;
mod crawls;
mod dead_connection;
mod lists;
mod live;
mod reports;
mod sessions;
mod statistics;
mod tasks;
mod traces;
pub(crate) mod world;
