//! The `worker` table: who holds, or has held, leases.

use domain::{Timestamp, WorkerId};
use uuid::Uuid;

use crate::{ReadError, Reader};

/// A worker process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerRow {
    /// Names it.
    pub worker: Uuid,
    /// The token that it registered with.
    pub token: Uuid,
    /// What it calls itself.
    pub name: String,
    /// The machine that it runs on.
    pub host: Option<String>,
    /// Its process there.
    pub pid: Option<i32>,
    /// What it is written with.
    pub sdk: Option<String>,
    /// The services that it works for.
    pub services: Vec<String>,
    /// How many jobs it takes at a time.
    pub slots: i32,
    /// When it came.
    pub registered_at: Timestamp,
    /// When it was last heard of.
    pub last_seen_at: Timestamp,
    /// When it went, if it said so.
    pub left_at: Option<Timestamp>,
}

/// What a worker says of itself when it registers.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Made by the worker process, so that it may register twice.
    pub instance_key: String,
    /// The token that it came with.
    pub token: Uuid,
    /// What it calls itself.
    pub name: String,
    /// The machine that it runs on.
    pub host: Option<String>,
    /// Its process there.
    pub pid: Option<i32>,
    /// What it is written with.
    pub sdk: Option<String>,
    /// The services that it works for.
    pub services: Vec<String>,
    /// How many jobs it takes at a time.
    pub slots: i32,
}

impl Reader {
    /// Keeps a registration, under `id` unless the same process has registered
    /// before: then under its old one.
    pub async fn register_worker(
        &self,
        id: WorkerId,
        it: &Registration,
    ) -> Result<WorkerId, ReadError> {
        let id = sqlx::query_scalar!(
            "insert into worker (worker, instance_key, token, name, host, pid, sdk, services,
                 slots, registered_at, last_seen_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now(), now())
             on conflict (token, instance_key) do update
                 set name = excluded.name, host = excluded.host, pid = excluded.pid,
                     sdk = excluded.sdk, services = excluded.services, slots = excluded.slots,
                     last_seen_at = now(), left_at = null
             returning worker",
            id.0,
            it.instance_key,
            it.token,
            it.name,
            it.host,
            it.pid,
            it.sdk,
            &it.services,
            it.slots
        )
        .fetch_one(&self.db)
        .await?;
        Ok(WorkerId(id))
    }

    /// The worker of this name that came with this token, which is seen now.
    pub async fn seen_worker(
        &self,
        id: WorkerId,
        token: Uuid,
    ) -> Result<Option<WorkerRow>, ReadError> {
        let row = sqlx::query_as!(
            WorkerRow,
            "update worker set last_seen_at = now() where worker = $1 and token = $2
             returning worker, token, name, host, pid, sdk, services, slots, registered_at,
                 last_seen_at, left_at",
            id.0,
            token
        )
        .fetch_optional(&self.db)
        .await?;
        Ok(row)
    }

    /// Keeps that a worker went.
    pub async fn left_worker(&self, id: WorkerId) -> Result<(), ReadError> {
        sqlx::query!(
            "update worker set left_at = coalesce(left_at, now()) where worker = $1",
            id.0
        )
        .execute(&self.db)
        .await?;
        Ok(())
    }

    /// Those workers of these ids that there are. For operators.
    pub async fn workers_by_id(&self, ids: &[WorkerId]) -> Result<Vec<WorkerRow>, ReadError> {
        let ids: Vec<Uuid> = ids.iter().map(|it| it.0).collect();
        let rows = sqlx::query_as!(
            WorkerRow,
            "select worker, token, name, host, pid, sdk, services, slots, registered_at,
                 last_seen_at, left_at
             from worker where worker = any($1)",
            &ids
        )
        .fetch_all(&self.db)
        .await?;
        Ok(rows)
    }

    /// The workers that were heard of last, at most `limit`. For operators.
    pub async fn workers(&self, limit: u32) -> Result<Vec<WorkerRow>, ReadError> {
        let rows = sqlx::query_as!(
            WorkerRow,
            "select worker, token, name, host, pid, sdk, services, slots, registered_at,
                 last_seen_at, left_at
             from worker order by last_seen_at desc limit $1",
            i64::from(limit)
        )
        .fetch_all(&self.db)
        .await?;
        Ok(rows)
    }
}
