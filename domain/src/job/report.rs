//! What is written down about reports alone.

use serde::{Deserialize, Serialize};

use super::{Order, ReportSpec, limit};
use crate::{Refusal, artifact::Artifact, event_type::event_types};

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
    /// How many sources could not be read, or are not used in full, and how many
    /// fields their writer failed at.
    pub errors: u64,
    /// What is told of how it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
}

/// How a report was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The file that tells, for each field, who wrote it from what: a
    /// [`Provenance`](crate::report::Provenance).
    pub provenance: Artifact,
    /// How many fields hold something.
    pub filled: u64,
    /// How many hold nothing.
    pub empty: u64,
    /// Who wrote fields of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writers: Vec<Writer>,
}

/// Who can write a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Writer {
    /// A language model, asked by way of Ollama.
    Ollama,
    /// Greffe itself, in the words of the sources.
    Extractive,
}

impl ReportCompleted {
    /// Refuses what no table could list.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        limit::count("errors", self.errors)?;
        let Some(written) = &self.written else { return Ok(()) };
        limit::count("written.filled", written.filled)?;
        limit::count("written.empty", written.empty)?;
        if 2 < written.writers.len() {
            return Err(Refusal::invalid("written.writers", "each of them once"));
        }
        Ok(())
    }

    /// The files that it consists of.
    pub fn artifacts(&self) -> impl Iterator<Item = &Artifact> {
        std::iter::once(&self.document).chain(self.written.iter().map(|it| &it.provenance))
    }
}
