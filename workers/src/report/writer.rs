//! Who writes a field: a language model if one can be asked, else Greffe
//! itself, in the words of the sources.
//!
//! Neither is asked where no source says anything: no source, no text.

mod extractive;
mod ollama;
mod prompt;

use std::ops::Range;

use domain::{
    job::{Writer, WriterChoice},
    report::Missing,
};
pub use ollama::{Ollama, OllamaSettings};

use self::ollama::AskFault;
use super::{
    bm25::{Hit, Index},
    clean,
    fields::Field,
};
use domain::report::FieldKind;

/// How often a model may fail in a row before nobody waits for it any more.
const FAILURES_MAX: u32 = 3;

/// Those who write one report.
pub(super) struct Writers {
    ollama: Option<Ollama>,
    /// Whether Greffe writes what the model cannot.
    steps_in: bool,
    failures: u32,
}

/// What came of having a field written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Draft {
    Written { text: String, writer: Writer, taken: Vec<Taken> },
    Nothing { missing: Missing, writer: Writer },
}

/// Something that a text was written from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Which of the passages that there were.
    pub(super) hit: usize,
    /// Which part of it, in bytes.
    pub(super) part: Range<usize>,
}

/// The report was to be written by a model, which has failed at so many fields
/// in a row that it is not waited for any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GivenUp {
    pub(super) fields: u32,
}

/// The report was to be written by a model, and none can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoModel;

impl Writers {
    /// Finds out who can write.
    pub(super) async fn chosen(
        choice: WriterChoice,
        ollama: Option<&Ollama>,
    ) -> Result<Self, NoModel> {
        let ollama = match (choice, ollama) {
            (WriterChoice::Extractive, _) | (_, None) => None,
            (WriterChoice::Auto | WriterChoice::Ollama, Some(it)) => {
                it.answers().await.then(|| it.clone())
            }
        };
        if choice == WriterChoice::Ollama && ollama.is_none() {
            return Err(NoModel);
        }
        Ok(Self { ollama, steps_in: choice == WriterChoice::Auto, failures: 0 })
    }

    /// Who is asked first.
    pub(super) fn first(&self) -> Writer {
        if self.ollama.is_some() { Writer::Ollama } else { Writer::Extractive }
    }

    /// Has a field written from passages, of which there must be some.
    pub(super) async fn write(
        &mut self,
        field: &Field,
        index: &Index,
        hits: &[Hit<'_>],
    ) -> Result<Draft, GivenUp> {
        if let Some(ollama) = &self.ollama {
            let asked = ollama.write(field, hits).await;
            self.failures = if asked.is_err() { self.failures + 1 } else { 0 };
            match asked {
                Ok((text, taken)) => return Ok(fit(&text, field, Writer::Ollama, taken)),
                // It did answer, and would answer like that again.
                Err(AskFault::Forbidden) => {
                    self.failures = 0;
                    return Ok(nothing(Missing::ForbiddenOutput, Writer::Ollama));
                }
                Err(AskFault::TimedOut | AskFault::Failed)
                    if !self.steps_in && FAILURES_MAX <= self.failures =>
                {
                    return Err(GivenUp { fields: self.failures });
                }
                Err(AskFault::TimedOut) if !self.steps_in => {
                    return Ok(nothing(Missing::TimedOut, Writer::Ollama));
                }
                Err(AskFault::Failed) if !self.steps_in => {
                    return Ok(nothing(Missing::WriterFailed, Writer::Ollama));
                }
                Err(AskFault::TimedOut | AskFault::Failed) => {}
            }
            if FAILURES_MAX <= self.failures {
                tracing::warn!("the language model is not asked any more for this report");
                self.ollama = None;
            }
        }
        let (text, taken) = extractive::write(field, index, hits);
        Ok(fit(&text, field, Writer::Extractive, taken))
    }
}

/// What was written, if it may stand in the field.
fn fit(text: &str, field: &Field, writer: Writer, taken: Vec<Taken>) -> Draft {
    if text.is_empty() {
        return nothing(Missing::NoAnswer, writer);
    }
    if field.kind == FieldKind::Constrained {
        return match clean::allowed(text, field) {
            Some(value) => Draft::Written { text: value.to_owned(), writer, taken },
            None => nothing(Missing::NotAllowed, writer),
        };
    }
    Draft::Written { text: clean::fitted(text, field), writer, taken }
}

fn nothing(missing: Missing, writer: Writer) -> Draft {
    Draft::Nothing { missing, writer }
}
