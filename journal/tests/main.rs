//! Each adapter against the conformance suite, and Postgres against the
//! world.

mod memory;
mod postgres;
