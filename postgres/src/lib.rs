//! The PostgreSQL that Greffe brings along: found, set up, started, adopted,
//! stopped.
//!
//! It hands out database URLs and knows no table: schemas belong to the crates
//! that own them. It compiles no query against a database, since it is what
//! provides that database to everybody else's build.
//!
//! ```text
//!   installation   where the system keeps its PostgreSQL binaries
//!   account        as whom they run (never as root)
//!   folder         where the data is, and what lies beside it
//!   occupancy      which processes use one folder
//!   cluster        initdb and the settings
//!   process        the server as the system sees it
//!   server         start, adopt, stop
//!   transaction    begins a transaction on a pool, whoever goes away
//! ```

mod account;
mod cluster;
mod durability;
mod error;
mod folder;
mod installation;
mod occupancy;
mod pid_file;
mod process;
mod server;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod transaction;

pub use durability::check_durability;
pub use error::StartError;
pub use server::{Server, Settings};
pub use transaction::{begin, begin_with};
