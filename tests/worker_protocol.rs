//! The worker protocol over HTTP, as workers of any language meet it.

mod artifacts;
mod input;
mod leases;
mod logs;
mod progress;
mod settling;
