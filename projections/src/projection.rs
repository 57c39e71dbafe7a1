//! What a projection is: a pure fold, and how its rows are kept.

use std::{collections::HashMap, hash::Hash};

use sqlx::PgConnection;

use crate::{fact::Fact, schema::Tables};

/// A set of rows computed from the journal.
///
/// The fold is pure: the projector, a rebuild, a view as of then and live
/// frames all use the same one. Rows are loaded and stored set-wise, never one
/// statement per event.
pub trait Projection: Send + Sync + 'static {
    /// Its tables. A changed fold gets a new version.
    const TABLES: Tables;

    /// What tells rows apart.
    type Key: Copy + Eq + Ord + Hash + Send + Sync;
    /// What is kept.
    type Row: Clone + Send + Sync;

    /// The rows that a fact is about, each once: none, one, or many.
    fn keys(fact: &Fact) -> impl Iterator<Item = Self::Key>;

    /// The row of one of these keys after the fact; `None` if there is none
    /// then.
    fn fold(key: Self::Key, row: Option<Self::Row>, fact: &Fact) -> Option<Self::Row>;

    /// The rows of these keys that there are.
    fn load(
        db: &mut PgConnection,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<HashMap<Self::Key, Self::Row>, sqlx::Error>> + Send;

    /// Puts rows in the place of those with the same keys, if there are any.
    fn store(
        db: &mut PgConnection,
        rows: &[Self::Row],
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}
