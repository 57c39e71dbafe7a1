//! Creations, understood without what is to be done: bodies, seeds and sources
//! may be large, and those who only hand jobs out do not need them.

use serde::Deserialize;

use super::DecodeError;
use crate::{job::Order, service::ServiceName};

/// What handing a job out needs to know of its creation.
#[derive(Clone, Debug, PartialEq)]
pub struct Creation {
    /// What every job is created with.
    pub order: Order,
    /// The service that it is leased under.
    pub service: ServiceName,
}

/// Whatever else the payload holds is passed over.
#[derive(Deserialize)]
struct Task {
    order: Order,
    task: Named,
}

#[derive(Deserialize)]
struct Named {
    service: ServiceName,
}

#[derive(Deserialize)]
struct Ordered {
    order: Order,
}

/// Reads the creation filed under `event_type`; `None` if it is none.
pub fn creation(
    event_type: &str,
    schema_version: u16,
    payload: &str,
) -> Option<Result<Creation, DecodeError>> {
    let read = match event_type {
        "TaskCreated" => serde_json::from_str(payload)
            .map(|Task { order, task }| Creation { order, service: task.service }),
        "CrawlRequested" => ordered(payload, ServiceName::crawl()),
        "ReportRequested" => ordered(payload, ServiceName::report()),
        _ => return None,
    };
    let event_type = event_type.to_owned();
    Some(match schema_version {
        1 => read.map_err(|cause| DecodeError::Unreadable { event_type, cause }),
        _ => Err(DecodeError::NewerSchema { event_type, schema_version }),
    })
}

fn ordered(payload: &str, service: ServiceName) -> serde_json::Result<Creation> {
    serde_json::from_str(payload).map(|Ordered { order }| Creation { order, service })
}
