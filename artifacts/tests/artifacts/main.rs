//! The crate from outside, on a real Postgres and a real folder: each file is
//! one part of the story, and each test tells the time itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod world;

mod places;
mod storing;
mod laws;
mod references;
mod sweeping;
mod races;
