//! The schema from outside: as a contract, and answered by a whole system on a real database.

mod contract;
mod tasks;
pub(crate) mod world;
