//! How far each projection has come, who moves it, and how to wait for it.
//!
//! The row is the token: whoever owns it at its epoch moves the checkpoint, in
//! the transaction that writes the rows. A process that was given up on finds
//! its epoch gone, and has written nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{PgConnection, PgPool};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use crate::{
    ReadError,
    reactor::Turn,
    schema::{self, ALL, Tables, is_inline},
    signed,
};

/// How long an owner is believed in without a sign of life, in seconds.
const LEASE_S: f64 = 6.0;

/// How often an idle owner gives a sign of life.
pub(crate) const RENEW_EVERY: Duration = Duration::from_secs(2);

/// How soon one looks again for a checkpoint that another process moves.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// A projection that this process moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ownership {
    pub(crate) tables: Tables,
    pub(crate) epoch: i64,
    pub(crate) checkpoint: u64,
}

/// Starts a projection from the first event on, with nobody to move it yet:
/// its tables are empty.
pub(crate) async fn begin(db: &mut PgConnection, tables: &Tables) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into projection (name, version) values ($1, $2)
         on conflict (name, version) do update
             set checkpoint = 0, owner = null, epoch = projection.epoch + 1",
        tables.name,
        tables.version
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Starts a reactor at the first event, unless it has begun already.
pub(crate) async fn begin_once(db: &PgPool, tables: Tables) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into projection (name, version) values ($1, $2) on conflict do nothing",
        tables.name,
        tables.version
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a projection over, if nobody else holds it.
pub(crate) async fn acquire(
    db: &PgPool,
    tables: Tables,
    owner: Uuid,
) -> Result<Option<Ownership>, sqlx::Error> {
    let row = sqlx::query!(
        "update projection
         set owner = $3, epoch = epoch + 1, lease_until = now() + make_interval(secs => $4)
         where name = $1 and version = $2 and (lease_until < now() or owner = $3)
         returning epoch, checkpoint",
        tables.name,
        tables.version,
        owner,
        LEASE_S,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|it| Ownership {
        tables,
        epoch: it.epoch,
        checkpoint: it.checkpoint.cast_unsigned(),
    }))
}

/// How far a projection has come, as a connection sees it.
pub(crate) async fn of(db: &mut PgConnection, tables: Tables) -> Result<u64, sqlx::Error> {
    let checkpoint = sqlx::query_scalar!(
        "select checkpoint from projection where name = $1 and version = $2",
        tables.name,
        tables.version
    )
    .fetch_one(db)
    .await?;
    Ok(checkpoint.cast_unsigned())
}

impl Ownership {
    /// Moves the checkpoint, in the transaction that writes the rows. `false`:
    /// somebody else has taken over, and nothing must be written.
    pub(crate) async fn move_to(
        &self,
        tx: &mut PgConnection,
        position: u64,
    ) -> Result<bool, sqlx::Error> {
        let moved = sqlx::query!(
            "update projection
             set checkpoint = $5, lease_until = now() + make_interval(secs => $6)
             where name = $1 and version = $2 and epoch = $3 and checkpoint = $4",
            self.tables.name,
            self.tables.version,
            self.epoch,
            signed(self.checkpoint),
            signed(position),
            LEASE_S,
        )
        .execute(tx)
        .await?;
        Ok(moved.rows_affected() == 1)
    }

    /// Gives a sign of life. `false`: somebody else has taken over.
    pub(crate) async fn renew(&self, db: &PgPool) -> Result<bool, sqlx::Error> {
        let renewed = sqlx::query!(
            "update projection set lease_until = now() + make_interval(secs => $4)
             where name = $1 and version = $2 and epoch = $3",
            self.tables.name,
            self.tables.version,
            self.epoch,
            LEASE_S,
        )
        .execute(db)
        .await?;
        Ok(renewed.rows_affected() == 1)
    }

    /// Lets another process take over at once.
    pub(crate) async fn release(&self, db: &PgPool) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "update projection set owner = null, lease_until = '-infinity'
             where name = $1 and version = $2 and epoch = $3",
            self.tables.name,
            self.tables.version,
            self.epoch,
        )
        .execute(db)
        .await?;
        Ok(())
    }
}

/// How far the projections have come, and how to wait for them.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    db: PgPool,
    /// What this process knows, because it moved it or has looked.
    known: Arc<Mutex<HashMap<&'static str, watch::Sender<u64>>>>,
    /// Why those that this process moves stand still.
    halts: Arc<Mutex<HashMap<&'static str, String>>>,
}

/// The projection is not there yet, and did not get there in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("position {required} is not reached yet, only {current}")]
pub struct NotReached {
    /// The position waited for.
    pub required: u64,
    /// How far it has come.
    pub current: u64,
}

impl Checkpoints {
    /// Of the projections in `db`.
    pub fn new(db: PgPool) -> Self {
        Self { db, known: Arc::default(), halts: Arc::default() }
    }

    /// How far a projection has come.
    pub async fn of(&self, tables: Tables) -> Result<u64, ReadError> {
        Ok(of(&mut *self.db.acquire().await?, tables).await?)
    }

    /// Those of a projection's tables that are not there.
    pub async fn missing(&self, tables: Tables) -> Result<Vec<String>, ReadError> {
        Ok(schema::missing(&mut *self.db.acquire().await?, &tables).await?)
    }

    /// How far all have come that follow the journal: the projections of this
    /// program, and whoever else has a checkpoint.
    pub async fn lowest(&self) -> Result<u64, ReadError> {
        let following = || ALL.iter().filter(|it| !is_inline(it));
        let names: Vec<&str> = following().map(|it| it.name).collect();
        let versions: Vec<i16> = following().map(|it| it.version).collect();
        // Other versions, and what moves with the appends, stand still.
        let ours: Vec<&str> = ALL.iter().map(|it| it.name).collect();
        let lowest = sqlx::query_scalar!(
            "select min(checkpoint) from projection
             where name <> all($3) or (name, version) in (
                 select * from unnest($1::text[], $2::smallint[])
             )",
            &names as &[&str],
            &versions,
            &ours as &[&str],
        )
        .fetch_one(&self.db)
        .await?;
        Ok(lowest.unwrap_or_default().cast_unsigned())
    }

    /// How far the journal has come, by the database rather than by what this
    /// process has heard.
    pub async fn journal_head(&self) -> Result<u64, ReadError> {
        let head = sqlx::query_scalar!("select head from journal_head where one")
            .fetch_one(&self.db)
            .await?;
        Ok(head.cast_unsigned())
    }

    /// Waits until a projection has taken in `position`, for `patience` at
    /// most.
    pub async fn reached(
        &self,
        tables: Tables,
        position: u64,
        patience: Duration,
    ) -> Result<Result<(), NotReached>, ReadError> {
        let deadline = Instant::now() + patience;
        let mut known = self.sender(tables).subscribe();
        let mut last_look = false;
        loop {
            let current = *known.borrow_and_update();
            if position <= current {
                return Ok(Ok(()));
            }
            if last_look {
                return Ok(Err(NotReached { required: position, current }));
            }
            let look_at = (Instant::now() + LOOK_EVERY).min(deadline);
            if timeout_at(look_at, known.changed()).await.is_err() {
                // Moved by another process, perhaps.
                let current = self.of(tables).await?;
                self.moved(tables, current);
                last_look = deadline <= Instant::now();
            }
        }
    }

    /// Why a projection stands still, if this process was moving it.
    pub fn halt(&self, tables: Tables) -> Option<String> {
        self.halts().get(tables.name).cloned()
    }

    /// Keeps why a projection stands still, until it is moved again.
    pub(crate) fn halted(&self, tables: Tables, cause: String) {
        self.halts().insert(tables.name, cause);
    }

    /// Keeps that a projection is on its way again.
    pub(crate) fn resumed(&self, tables: Tables) {
        self.halts().remove(tables.name);
    }

    fn halts(&self) -> MutexGuard<'_, HashMap<&'static str, String>> {
        // A map of messages holds no state that a panic could leave half-done.
        self.halts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A turn at moving a reactor, if nobody else has it.
    pub async fn turn(
        &self,
        reactor: &'static str,
        owner: Uuid,
    ) -> Result<Option<Turn>, ReadError> {
        Ok(Turn::take(self.db.clone(), reactor, owner).await?)
    }

    /// Tells those who wait.
    pub(crate) fn moved(&self, tables: Tables, position: u64) {
        self.sender(tables).send_if_modified(|known| {
            let newer = *known < position;
            *known = position.max(*known);
            newer
        });
    }

    fn sender(&self, tables: Tables) -> watch::Sender<u64> {
        // A map of channels holds no state that a panic could leave half-done.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(tables.name).or_insert_with(|| watch::Sender::new(0)).clone()
    }
}
