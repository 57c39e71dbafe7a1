//! The crate from outside, on a real Postgres: each file is one part of the
//! story, each test has a database of its own and tells the time itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod memory;
mod world;

mod users;
mod sign_in;
mod access_tokens;
mod addresses;
mod refresh_tokens;
mod worker_tokens;
mod own_tokens;
mod clients;
mod letters;
mod recording;
mod first_admin;
mod secrecy;
