//! Whether the process lives, and whether it can do what it is for: `/health` and `/ready`.
//!
//! An orchestrator restarts what is not healthy and sends nobody to what is not ready. So health
//! depends on nothing else, and readiness on everything that an answer depends on.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use projections::{
    ReadError,
    schema::{self, Tables},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::server::Served;

/// How long one waits for the database before one calls it out of reach.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether all is well, and part by part.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Readiness {
    status: &'static str,
    components: BTreeMap<&'static str, Component>,
}

/// A part of the system.
#[derive(Serialize, JsonSchema)]
#[schemars(extend("additionalProperties" = true))]
struct Component {
    ok: bool,
    /// What there is to say of it.
    #[serde(flatten)]
    detail: Value,
}

/// The process answers, therefore it lives.
pub(crate) async fn health() -> Response {
    answer(StatusCode::OK, &json!({ "status": "alive" }))
}

/// Every part, and whether it is well; 503 unless all are.
pub(crate) async fn ready(State(served): State<Arc<Served>>) -> Response {
    let components = match timeout(PATIENCE, components(&served)).await {
        Ok(components) => components,
        Err(_) => BTreeMap::from([("database", failed("it does not answer in time"))]),
    };
    let ready = components.values().all(|it| it.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, &Readiness { status: if ready { "ready" } else { "not ready" }, components })
}

fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

async fn components(served: &Served) -> BTreeMap<&'static str, Component> {
    let process = Component { ok: !served.stop.is_cancelled(), detail: json!({}) };
    let mut components = BTreeMap::from([("process", process)]);
    let checkpoints = &served.sides.checkpoints;
    let head = match checkpoints.journal_head().await {
        Ok(head) => head,
        Err(error) => {
            components.insert("database", unreachable(&error));
            return components;
        }
    };
    components.insert("database", Component { ok: true, detail: json!({}) });
    components.insert("journal", journal(served, head));
    for tables in schema::ALL {
        components.insert(tables.name, projection(served, tables, head).await);
    }
    components
}

/// Whether this process hears of what is written, whoever writes it.
fn journal(served: &Served, head: u64) -> Component {
    let known = *served.sides.feed.head().borrow();
    let lag = head.saturating_sub(known);
    let detail = json!({ "head": head.to_string(), "known": known.to_string(), "lag": lag });
    Component { ok: lag <= served.settings.lag_max, detail }
}

/// Whether the tables of this program's version are there, and how far they have come.
async fn projection(served: &Served, tables: Tables, head: u64) -> Component {
    let checkpoints = &served.sides.checkpoints;
    match checkpoints.missing(tables).await {
        Ok(missing) if missing.is_empty() => {}
        Ok(missing) => return failed(&format!("{} is missing", missing.join(", "))),
        Err(error) => return unreachable(&error),
    }
    let checkpoint = match checkpoints.of(tables).await {
        // Moves with the journal itself; all there is to know is that it is there.
        Ok(_) if schema::is_inline(&tables) => head,
        Ok(checkpoint) => checkpoint,
        Err(error) => return unreachable(&error),
    };
    let lag = head.saturating_sub(checkpoint);
    let halt = checkpoints.halt(tables);
    let ok = halt.is_none() && lag <= served.settings.lag_max;
    let detail = json!({
        "version": tables.version,
        "checkpoint": checkpoint.to_string(),
        "lag": lag,
        "error": halt,
    });
    Component { ok, detail }
}

fn unreachable(error: &ReadError) -> Component {
    let cause: &(dyn std::error::Error + 'static) = error;
    tracing::warn!(error = cause, "not ready");
    failed(&error.to_string())
}

fn failed(error: &str) -> Component {
    Component { ok: false, detail: json!({ "error": error }) }
}
