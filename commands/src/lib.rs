//! The write side: authorise, load, decide, append; and again if somebody was
//! faster.
//!
//! No rules live here, they are in [`domain`]. No reads either: the answer to
//! a command is where it was written, or why not. [`Commands::execute`] is the
//! door.

mod command;
mod asked;
mod accepted;
mod execute;
mod authorise;
mod counted;
mod bridge;
mod error;
mod executor;
pub mod lease;
pub mod progress;
pub mod services;
mod stream_locks;

use std::sync::Arc;

use domain::{Timestamp, account::Account, client::Client, job::Job, land::Land, worker::Worker};
use uuid::Uuid;

pub use accepted::Accepted;
pub use asked::{Asked, IdempotencyKey};
pub use command::{Command, Wishes};
pub use error::CommandError;
pub use executor::Executed;
pub use services::Services;

use executor::Executor;

/// Tells the time. The only one who does.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Makes identities that were never used before.
pub type Ids = Arc<dyn Fn() -> Uuid + Send + Sync>;

/// How many pages a crawl may be asked to visit, unless the operator says so.
pub const CRAWL_PAGES_MAX: u32 = 50_000;

/// The door to the write side.
#[derive(Clone)]
pub struct Commands {
    jobs: Arc<Executor<Job>>,
    workers: Arc<Executor<Worker>>,
    accounts: Arc<Executor<Account>>,
    clients: Arc<Executor<Client>>,
    lands: Arc<Executor<Land>>,
    services: Arc<Services>,
    /// How many pages a crawl may be asked to visit.
    crawl_pages_max: u32,
    clock: Clock,
}

#[cfg(test)]
mod tests;
