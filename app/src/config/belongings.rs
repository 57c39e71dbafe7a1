//! What the command line does about jobs and lands.

use clap::Subcommand;
use domain::{JobId, LandId};

/// What to do about jobs.
#[derive(Clone, Debug, Subcommand)]
pub enum JobAction {
    /// Give one to somebody else, with its files, whatever has become of it.
    Transfer {
        /// Which.
        id: JobId,
        /// Whose it is to be: an e-mail or an id.
        #[arg(long, value_name = "WHO")]
        to: String,
    },
}

/// What to do about lands.
#[derive(Clone, Debug, Subcommand)]
pub enum LandAction {
    /// Give one to somebody else. Its crawls stay with whom they belong to.
    Transfer {
        /// Which.
        id: LandId,
        /// Whose it is to be: an e-mail or an id.
        #[arg(long, value_name = "WHO")]
        to: String,
    },
}
