//! What is written down about reports alone.

use serde::{Deserialize, Serialize};

use super::{Order, ReportSpec};
use crate::{artifact::Artifact, event_type::event_types};

event_types! {
    /// Something that happens to reports only.
    ReportEvent {
        ReportRequested,
        ReportCompleted,
    }
}

/// Somebody asked for a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportRequested {
    /// What every job is created with.
    pub order: Order,
    /// What is to be written, from what.
    pub report: ReportSpec,
}

/// The report is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportCompleted {
    /// Under which lease.
    pub fence: u64,
    /// The document.
    pub document: Artifact,
    /// How many sources could not be read.
    pub errors: u64,
}
