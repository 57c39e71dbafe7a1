//! `POST /workers`: a worker process comes.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use commands::{Command, progress};
use domain::{Timestamp, WorkerId, service::ServiceName, worker::WorkerCommand};
use projections::kept::workers::Registration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::Instrument;
use uuid::Uuid;

use super::{
    Shared, WorkerApi, acquire, caller::Caller, heartbeat, input, input::Input, logs, refused,
};
use crate::problem::Problem;

/// How many services one worker may name.
const SERVICES_MAX: usize = 1_000;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Register {
    /// Made by the process: the same key is the same worker.
    #[schemars(length(min = 1, max = 128))]
    instance_key: String,
    /// For people.
    #[schemars(length(min = 1, max = 128))]
    name: String,
    /// Declared, and within the token's scope.
    #[schemars(length(min = 1, max = 1_000))]
    services: Vec<String>,
    /// How many jobs it does at a time. For people.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1_000))]
    slots: i32,
    host: Option<String>,
    pid: Option<i32>,
    sdk: Option<Sdk>,
}

/// What a worker is written with.
#[derive(Deserialize, JsonSchema)]
struct Sdk {
    name: String,
    version: String,
}

fn one() -> i32 {
    1
}

/// What a worker is told that has come.
#[derive(Serialize, JsonSchema)]
pub(super) struct Welcome {
    #[schemars(with = "Uuid")]
    worker_id: WorkerId,
    /// How often to beat.
    heartbeat_ms: u64,
    /// The shortest lease of its services.
    lease_ms: u64,
    /// How long one request may wait for work.
    long_poll_ms: u64,
    limits: Limits,
    server_time: Timestamp,
}

/// How much may be sent.
#[derive(Serialize, JsonSchema)]
struct Limits {
    body_bytes: usize,
    result_bytes: usize,
    log_line_bytes: usize,
    log_batch_bytes: usize,
    leases_per_acquire: u32,
    leases_per_heartbeat: usize,
    progress_per_s: u64,
}

pub(super) async fn answer(
    State(api): State<WorkerApi>,
    caller: Caller,
    Input { value: asked, .. }: Input<Register>,
) -> Result<Response, Problem> {
    let span = tracing::info_span!("worker registers", name = asked.name);
    api.0.register(asked, &caller).instrument(span).await
}

impl Shared {
    async fn register(&self, asked: Register, caller: &Caller) -> Result<Response, Problem> {
        asked.check()?;
        let (services, lease_ms) = self.services(&asked.services, caller)?;
        let new = WorkerId((self.around.ids)());
        let registration = Registration {
            instance_key: asked.instance_key,
            token: caller.grant.token_id.0,
            name: asked.name.clone(),
            host: asked.host,
            pid: asked.pid,
            sdk: asked.sdk.map(|it| format!("{}/{}", it.name, it.version)),
            services: asked.services,
            slots: asked.slots,
        };
        let id = self.around.reader.register_worker(new, &registration).await;
        let id = id.map_err(|error| refused::unavailable(&error))?;
        self.workers.invalidate(&id);
        let command = WorkerCommand::RegisterWorker { name: asked.name, services };
        let recorded =
            self.around.commands.execute(Command::Worker(id, command), caller.asked(id)).await;
        recorded.map_err(|error| refused::command(&error))?;
        let status = if id == new { StatusCode::CREATED } else { StatusCode::OK };
        let welcome = Welcome {
            worker_id: id,
            heartbeat_ms: heartbeat::every_ms(lease_ms),
            lease_ms,
            long_poll_ms: acquire::WAIT_MAX_MS,
            limits: Limits {
                body_bytes: input::BODY_BYTES_MAX,
                result_bytes: domain::job::JSON_BYTES_MAX,
                log_line_bytes: logs::LINE_BYTES_MAX,
                log_batch_bytes: logs::BATCH_BYTES_MAX,
                leases_per_acquire: acquire::LEASES_MAX,
                leases_per_heartbeat: heartbeat::LEASES_MAX,
                progress_per_s: progress::PER_SECOND,
            },
            server_time: caller.now,
        };
        Ok((status, Json(welcome)).into_response())
    }

    /// The services by name, if the caller may work for all of them, and the
    /// shortest lease among them.
    fn services(
        &self,
        names: &[String],
        caller: &Caller,
    ) -> Result<(Vec<ServiceName>, u64), Problem> {
        let mut services = Vec::with_capacity(names.len());
        let mut lease_ms = u64::MAX;
        for (index, name) in names.iter().enumerate() {
            if !caller.grant.services.allows(name) {
                return Err(forbidden(index, name));
            }
            let declared = self.around.commands.services().find(name).map_err(|_| {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "UNKNOWN_SERVICE")
                    .field(format!("services/{index}"), format!("declared; `{name}` is not"))
            })?;
            lease_ms = lease_ms.min(declared.service.policy.lease_ms);
            services.push(declared.service.name.clone());
        }
        Ok((services, lease_ms))
    }
}

impl Register {
    fn check(&self) -> Result<(), Problem> {
        text("instance_key", &self.instance_key, 128)?;
        text("name", &self.name, 128)?;
        if let Some(host) = &self.host {
            text("host", host, 255)?;
        }
        if let Some(sdk) = &self.sdk {
            text("sdk/name", &sdk.name, 64)?;
            text("sdk/version", &sdk.version, 64)?;
        }
        if self.services.is_empty() || SERVICES_MAX < self.services.len() {
            return Err(refused::invalid("services", format!("between 1 and {SERVICES_MAX}")));
        }
        if !(1..=1_000).contains(&self.slots) {
            return Err(refused::invalid("slots", "between 1 and 1000"));
        }
        Ok(())
    }
}

/// The service with this name is not for the caller's token.
pub(super) fn forbidden(index: usize, name: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "SERVICE_FORBIDDEN")
        .field(format!("services/{index}"), format!("one of the token's; `{name}` is not"))
}

fn text(field: &str, text: &str, bytes_max: usize) -> Result<(), Problem> {
    if text.is_empty() || bytes_max < text.len() || text.contains('\0') {
        let rule = format!("between 1 and {bytes_max} bytes, none of them NUL");
        return Err(refused::invalid(field, rule));
    }
    Ok(())
}
