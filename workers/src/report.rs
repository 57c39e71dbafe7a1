//! Reports: a Word template, filled from what its sources say.
//!
//! ```text
//!   sources ──extract──▶ passages ──BM25──▶ a field's passages ──writer──▶ its text
//!   template ──keys──▶ fields ──────────────────┘                           │
//!      └───────────────────────── filled, looked through once more ◀────────┘
//! ```
//!
//! No source, no text; and what is written says from where. Nothing that a
//! source or a field says goes into an event or a log line: it is in the files
//! that the report is made of. [`attempt`] is the order in which it is done.

mod attempt;
mod bm25;
pub(crate) mod checkpoint;
mod clean;
mod compose;
mod document;
mod docx;
mod extract;
mod fault;
mod fields;
mod guard;
mod passages;
mod reader;
mod sentences;
mod sources;
#[cfg(test)]
mod testing;
mod words;
mod writer;

use std::time::Duration;

use artifacts::Artifacts;
use async_trait::async_trait;
use domain::{
    job::{JobError, Spec},
    service::ServiceName,
};

use crate::executor::{Attempt, Execute, Outcome, Stop};
use checkpoint::SoFar;
pub use reader::{EXTRACT_TEXT, Reader, extract_text};
pub use writer::{Ollama, OllamaSettings};

/// Writes reports.
#[derive(Clone, Debug)]
pub struct Reports {
    /// Where the files are.
    pub files: Artifacts,
    /// The language model that may be asked, if there is one.
    pub ollama: Option<Ollama>,
    /// Where the sources are read.
    pub reader: Reader,
    /// How much work may be done over again after a crash.
    pub checkpoint_every: Duration,
}

impl Reports {
    /// Loses a second of work to a crash at most.
    pub fn new(files: Artifacts, ollama: Option<Ollama>, reader: Reader) -> Self {
        Self { files, ollama, reader, checkpoint_every: Duration::from_secs(1) }
    }
}

#[async_trait]
impl Execute for Reports {
    fn service(&self) -> ServiceName {
        ServiceName::report()
    }

    async fn run(&self, attempt: Attempt) -> Outcome {
        let Spec::Report(spec) = &*attempt.spec else { return not_a_report() };
        let stopping = attempt.handle.stopping();
        let so_far = SoFar::default();
        let done = tokio::select! {
            biased;
            () = stopping.cancelled() => None,
            done = self.write(&attempt, spec, &so_far) => Some(done),
        };
        match (done, attempt.handle.why()) {
            (Some(Ok(finish)), _) => Outcome::Completed(finish),
            (Some(Err(fault)), _) => Outcome::Failed(fault.recorded()),
            (None, Some(Stop::Cancel)) => Outcome::Cancelled,
            (None, Some(Stop::Doubted | Stop::Lost)) => Outcome::Released,
            (None, Some(Stop::Pause | Stop::Shutdown) | None) => {
                if let Err(fault) = so_far.leave(self, &attempt).await {
                    tracing::warn!(job = %attempt.job, error = ?fault, "fields are written again");
                }
                Outcome::Released
            }
        }
    }
}

fn not_a_report() -> Outcome {
    Outcome::Failed(JobError {
        error_type: "not_a_report".to_owned(),
        message: "the job is of another kind".to_owned(),
        detail: None,
        retryable: false,
    })
}
