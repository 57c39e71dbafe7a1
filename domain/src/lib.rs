//! The rules: what a job is, and what may happen to it.
//!
//! Pure and synchronous. No input or output, no clock, no randomness: time and
//! identities are arguments. Start with [`job`], then see [`Decider`], the one
//! abstraction. [`decode`] is the only place where recorded bytes become events.
#![warn(missing_docs)]

pub mod account;
pub mod actor;
pub mod artifact;
pub mod client;
mod decider;
pub mod decode;
mod event_type;
mod id;
pub mod job;
pub mod land;
mod refusal;
pub mod report;
pub mod service;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod weight;
pub mod worker;

pub use actor::Actor;
pub use decider::{Context, Decider, EventType};
pub use id::{ClientId, JobId, LandId, LeaseId, UserId, WorkerId};
pub use refusal::Refusal;

/// An instant, in universal time. Greffe counts in microseconds, as its tables
/// do.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
