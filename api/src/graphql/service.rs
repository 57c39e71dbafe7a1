//! Services: the named kinds of tasks.

use std::collections::HashMap;

use async_graphql::{Context, Object, SimpleObject};
use commands::services::Declared;
use domain::job::Policy;
use projections::dispatch::ServiceLoad;
use serde_json::Value;

use super::{access, fault::Result, scalar::Long, sides};

/// A named kind of task.
#[derive(SimpleObject)]
pub(super) struct Service {
    /// What it is called.
    name: String,
    /// For people, one sentence.
    description: String,
    /// The JSON Schema of its bodies; anything goes if it is null.
    schema: Option<Value>,
    /// How often its jobs are tried, how long, and how soon again.
    policy: ServicePolicy,
    /// How long after its creation a job may still end, in milliseconds, unless the job says
    /// otherwise.
    expiry_ms: Long,
    /// How many jobs a worker may take.
    queued: Long,
    /// How many jobs wait for a time.
    waiting: Long,
    /// How many jobs are held by workers.
    running: Long,
    /// How many jobs a worker could take, were they not paused.
    paused: Long,
}

/// How often the jobs of a service are tried, how long, and how soon again. Copied into each job
/// when it is created.
#[derive(SimpleObject)]
pub(super) struct ServicePolicy {
    /// How many attempts may fail before a job does.
    attempts_max: i32,
    /// How many leases may be lost before a job fails.
    deliveries_max: i32,
    /// The wait after the first failed attempt, in milliseconds; it doubles from one to the next.
    backoff_first_ms: Long,
    /// The longest wait between attempts, in milliseconds.
    backoff_max_ms: Long,
    /// How long a lease holds without a heartbeat, in milliseconds.
    lease_ms: Long,
    /// How long an attempt may take, in milliseconds; for ever if it is null.
    run_timeout_ms: Option<Long>,
}

impl From<&Policy> for ServicePolicy {
    fn from(it: &Policy) -> Self {
        Self {
            attempts_max: it.attempts_max.cast_signed(),
            deliveries_max: it.deliveries_max.cast_signed(),
            backoff_first_ms: Long(it.backoff_first_ms),
            backoff_max_ms: Long(it.backoff_max_ms),
            lease_ms: Long(it.lease_ms),
            run_timeout_ms: it.run_timeout_ms.map(Long),
        }
    }
}

impl Service {
    fn new(declared: &Declared, load: Option<&ServiceLoad>) -> Self {
        let service = &declared.service;
        Self {
            name: service.name.to_string(),
            description: service.description.clone(),
            schema: declared.schema.clone(),
            policy: ServicePolicy::from(&service.policy),
            expiry_ms: Long(service.expiry_ms),
            queued: Long(load.map_or(0, |it| it.queued)),
            waiting: Long(load.map_or(0, |it| it.waiting)),
            running: Long(load.map_or(0, |it| it.running)),
            paused: Long(load.map_or(0, |it| it.paused)),
        }
    }
}

/// Questions about services.
#[derive(Default)]
pub(super) struct ServiceQueries;

#[Object]
impl ServiceQueries {
    /// The services that tasks may be created for, by name, and how much there is to do for each.
    /// For those who have signed in.
    async fn services(&self, ctx: &Context<'_>) -> Result<Vec<Service>> {
        access::signed_in(ctx)?;
        let sides = sides(ctx);
        let loads = sides.reader.load_by_service().await?;
        let loads: HashMap<&str, &ServiceLoad> =
            loads.iter().map(|it| (it.service.as_str(), it)).collect();
        let services = sides.commands.services().iter();
        Ok(services
            .map(|it| Service::new(it, loads.get(it.service.name.as_str()).copied()))
            .collect())
    }
}
