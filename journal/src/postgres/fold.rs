//! Tables that move with an append, in its own statement.
//!
//! Whatever must never lag behind the journal (what may be leased, who holds
//! what, counters of quotas) is folded here, by whoever knows what the events
//! mean. Everything else follows the journal and costs the append nothing.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    JournalError, NewEvent, StreamId,
    postgres::{failure, plan::Plan, request::Request},
};

/// A table, or a few, that move with every append.
///
/// Its SQL runs inside the statement that writes the batch, under these rules:
///
/// - All parts of a statement see the same snapshot, none sees what another
///   writes, and no row may be written by two of them. So an effect is the
///   *net* effect of the whole batch on each key.
/// - The snapshot may be older than the lock on the head of the journal. Rows
///   that belong to a stream of the batch are safe, because an append whose
///   stream has moved is never written. Rows that several streams share must
///   be changed relative to themselves (`n = n + x`), so that Postgres applies
///   it to their latest version. With a guard, the snapshot is never older.
/// - It must not fail for want of what it expects: an error fails the append.
pub trait InlineFold: Send + Sync + 'static {
    /// A lower-case identifier: the prefix of the names of its parts, and the
    /// name under which its guard refuses.
    fn name(&self) -> &'static str;

    /// The net effect of a batch, in the order in which it will be written;
    /// `None` if it touches nothing. It is asked again when some of the batch
    /// is refused.
    fn fold(&self, batch: &[Pending<'_>]) -> Option<Effect>;
}

/// An event about to be written with a batch.
#[derive(Clone, Copy, Debug)]
pub struct Pending<'a> {
    /// Its position will be `h.base + ordinal`. From 1.
    pub ordinal: i64,
    /// Which append of the batch it belongs to.
    pub request: i32,
    /// The stream that it belongs to.
    pub stream: &'a StreamId,
    /// Its place in the stream.
    pub version: u64,
    /// What will be written.
    pub event: &'a NewEvent,
}

/// What a batch does to the tables of a fold.
#[derive(Clone, Debug)]
pub struct Effect {
    /// One or more parts of a `with` clause, separated by commas:
    /// `name_a as (…), name_b as (…)`. They may read `h.base` (the position
    /// before the batch) and `h.at` (when it is recorded) from `h`, and must
    /// select from `h` if they lock anything. `{0}`, `{1}` … stand for the
    /// columns, cast to arrays.
    pub sql: &'static str,
    /// What the placeholders stand for.
    pub columns: Vec<Column>,
    /// The name of a part with an integer column `request`: the appends of
    /// the batch to refuse, each because of what those before it, not refused
    /// themselves, leave; and with a text column `reason`, for whoever asked.
    pub guard: Option<&'static str>,
}

/// An array to bind.
#[derive(Clone, Debug)]
pub enum Column {
    /// `text[]`
    Text(Vec<Option<String>>),
    /// `uuid[]`
    Uuid(Vec<Option<Uuid>>),
    /// `bigint[]`
    BigInt(Vec<Option<i64>>),
    /// `integer[]`
    Integer(Vec<Option<i32>>),
    /// `smallint[]`
    SmallInt(Vec<Option<i16>>),
    /// `boolean[]`
    Bool(Vec<Option<bool>>),
    /// `timestamptz[]`
    Timestamp(Vec<Option<DateTime<Utc>>>),
}

impl Column {
    pub(super) fn sql_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "text[]",
            Self::Uuid(_) => "uuid[]",
            Self::BigInt(_) => "bigint[]",
            Self::Integer(_) => "integer[]",
            Self::SmallInt(_) => "smallint[]",
            Self::Bool(_) => "boolean[]",
            Self::Timestamp(_) => "timestamptz[]",
        }
    }
}

/// Keeps all appends out until the transaction that `db` is in ends. For whoever
/// fills the tables of a fold from the events before it: no append comes
/// between what is replayed and what is folded.
pub async fn hold_head(db: &mut PgConnection) -> Result<(), JournalError> {
    sqlx::query!("select head from journal_head where one for update")
        .fetch_one(db)
        .await
        .map_err(failure::of_reading)?;
    Ok(())
}

/// An effect, and whose it is.
pub(super) struct Folded {
    pub(super) fold: &'static str,
    pub(super) effect: Effect,
}

/// The effects of what a plan writes.
pub(super) fn effects(
    folds: &[Arc<dyn InlineFold>],
    batch: &[Request],
    plan: &Plan<'_>,
) -> Vec<Folded> {
    if folds.is_empty() {
        return vec![];
    }
    let mut pending = Vec::new();
    for (index, Request { append, .. }, _) in plan.written(batch) {
        for (event, version) in append.events.iter().zip(append.expected_version + 1..) {
            pending.push(Pending {
                ordinal: i64::try_from(pending.len() + 1).unwrap_or(i64::MAX),
                request: i32::try_from(index).unwrap_or(i32::MAX),
                stream: &append.stream,
                version,
                event,
            });
        }
    }
    let effect = |it: &Arc<dyn InlineFold>| {
        it.fold(&pending).map(|effect| Folded { fold: it.name(), effect })
    };
    folds.iter().filter_map(effect).collect()
}
