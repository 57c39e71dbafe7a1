//! Workers: the processes that hold leases.

use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};
use domain::WorkerId;
use projections::kept::workers::WorkerRow;
use uuid::Uuid;

use super::{
    access,
    fault::Result,
    loaders,
    paging::{count, limit},
    scalar::DateTime,
    sides,
};

/// A worker process, as it described itself when it came.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub(super) struct Worker {
    #[graphql(skip)]
    id: Uuid,
    /// What it calls itself.
    name: String,
    /// The machine that it runs on.
    host: Option<String>,
    /// Its process there.
    pid: Option<i32>,
    /// What it is written with.
    sdk: Option<String>,
    /// The services that it works for.
    services: Vec<String>,
    /// How many jobs it takes at a time.
    slots: i32,
    /// When it came.
    registered_at: DateTime,
    /// When it was last heard of.
    last_seen_at: DateTime,
    /// When it went, if it said so.
    left_at: Option<DateTime>,
}

#[ComplexObject]
impl Worker {
    /// Names it for as long as it lives; a UUID.
    pub(super) async fn id(&self) -> ID {
        self.id.into()
    }
}

impl From<WorkerRow> for Worker {
    fn from(it: WorkerRow) -> Self {
        Self {
            id: it.worker,
            name: it.name,
            host: it.host,
            pid: it.pid,
            sdk: it.sdk,
            services: it.services,
            slots: it.slots,
            registered_at: DateTime(it.registered_at),
            last_seen_at: DateTime(it.last_seen_at),
            left_at: it.left_at.map(DateTime),
        }
    }
}

/// The worker of a job, of which only the id is known so far.
#[derive(Clone)]
pub(super) struct WorkerRef(pub(super) WorkerId);

/// The worker that holds a job, or held it last.
#[Object(name = "JobWorker")]
impl WorkerRef {
    /// Names it for as long as it lives; a UUID.
    async fn id(&self) -> ID {
        self.0.0.into()
    }

    /// What else is known of it. For admins and operators; null for others.
    async fn registration(&self, ctx: &Context<'_>) -> Result<Option<Worker>> {
        if access::auditor(ctx).is_err() {
            return Ok(None);
        }
        loaders::worker(ctx, self.0).await
    }
}

/// Questions about workers.
#[derive(Default)]
pub(super) struct WorkerQueries;

#[Object]
impl WorkerQueries {
    /// The workers that were heard of last, the latest first. For admins and operators.
    #[graphql(complexity = "count(first, None) * child_complexity + 1")]
    async fn workers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 50, or up to 100.")] first: Option<i32>,
    ) -> Result<Vec<Worker>> {
        access::auditor(ctx)?;
        let rows = sides(ctx).reader.workers(limit("first", first)?).await?;
        Ok(rows.into_iter().map(Worker::from).collect())
    }
}
