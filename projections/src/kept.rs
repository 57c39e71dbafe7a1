//! Tables that follow no event: kept, not rebuilt.
//!
//! Heartbeats, registrations and log lines would drown the journal; an event
//! seals what is worth remembering of them.

pub mod beats;
pub mod logs;
pub mod workers;
