//! The write side from its door, over a journal in memory: races, repetitions,
//! answers that are lost, reports that come too late.

mod cache;
mod counting;
mod creation;
mod idempotency;
mod lands;
mod races;
mod reports;
mod retrying;
mod unknown;
mod world;
