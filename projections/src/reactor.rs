//! How far a reactor has come: one that reads the journal in order to do
//! something, and not to compute tables.
//!
//! It holds the same kind of token as a projector. What it does is not done in
//! the transaction that moves the checkpoint, so that it may do it twice: it
//! must be the same whether it is done once or more often.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    ReadError,
    checkpoint::{self, Ownership, RENEW_EVERY},
    schema::Tables,
};

/// How often an idle reactor renews its turn.
pub const RENEW_WITHIN: Duration = RENEW_EVERY;

/// A reactor that this process moves.
#[derive(Debug)]
pub struct Turn {
    db: PgPool,
    ownership: Ownership,
}

impl Turn {
    pub(crate) async fn take(
        db: PgPool,
        reactor: &'static str,
        owner: Uuid,
    ) -> Result<Option<Self>, sqlx::Error> {
        // It has no tables, and so never another version of them.
        let tables = Tables { name: reactor, version: 1, ddl: "" };
        checkpoint::begin_once(&db, tables).await?;
        let ownership = checkpoint::acquire(&db, tables, owner).await?;
        Ok(ownership.map(|ownership| Self { db, ownership }))
    }

    /// The last position that it has dealt with.
    pub fn checkpoint(&self) -> u64 {
        self.ownership.checkpoint
    }

    /// Everything up to `position` is dealt with. `false`: another process has taken over.
    pub async fn move_to(&mut self, position: u64) -> Result<bool, ReadError> {
        let moved = self.ownership.move_to(&mut *self.db.acquire().await?, position).await?;
        if moved {
            self.ownership.checkpoint = position;
        }
        Ok(moved)
    }

    /// Gives a sign of life. `false`: another process has taken over.
    pub async fn renew(&self) -> Result<bool, ReadError> {
        Ok(self.ownership.renew(&self.db).await?)
    }

    /// Lets another process take over at once.
    pub async fn release(self) -> Result<(), ReadError> {
        Ok(self.ownership.release(&self.db).await?)
    }
}
