//! Given what happened, when somebody asks, then this follows.

mod cancelling;
mod creation;
mod fixture;
mod kinds;
mod laws;
mod leases;
mod limits;
mod pages;
mod pausing;
mod policy;
mod retrying;
mod table;
mod transfers;
