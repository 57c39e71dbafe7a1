//! The read side: tables computed from the journal, and the only way to them.
//!
//! One module per table. It holds the whole story of that table: how facts
//! change it, what a row is, and every question that anybody may ask of it.
//! No SQL that reads is written anywhere else.
//!
//! Two kinds. [`job_ready`], [`job_lease`] and [`client_quota`] move in the
//! append's own statement, so that [`dispatch`] is never stale. The others follow the
//! journal: see [`projector`]. Tables that follow no event are in [`kept`].

pub mod checkpoint;
pub mod client_quota;
pub mod dispatch;
pub mod fact;
pub mod feed;
pub mod job_content;
pub mod job_lease;
pub mod job_list;
pub mod job_ready;
pub mod job_statistics;
pub mod job_timeline;
pub mod kept;
pub mod land;
pub mod page;
mod projection;
pub mod projector;
pub mod reactor;
pub mod schema;
mod text;
mod viewer;

pub use fact::{Fact, Subject};
pub use projection::Projection;
pub use viewer::Viewer;

use sqlx::PgPool;

/// The only way to the tables.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) db: PgPool,
}

impl Reader {
    /// Reads from `db`, whose connections see the schemas of this version: see
    /// [`schema::options`].
    pub fn new(db: PgPool) -> Self {
        Self { db }
    }
}

/// The tables cannot be read. Wait, try again.
#[derive(Debug, thiserror::Error)]
#[error("the read models are out of reach")]
pub struct ReadError(#[from] sqlx::Error);

/// A number as Postgres holds it. None that is counted here comes near the
/// limit.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
