//! One attempt at a report, from the files that it is given to the files that
//! it makes.

use std::time::Duration;

use artifacts::{ArtifactError, Reference, Subject};
use bytes::Bytes;
use domain::{
    artifact::{Artifact, Sha256},
    job::{Progress, ReportSpec, WriterChoice, Written},
    report::{
        FieldProvenance, FieldStatus, INPUT_BYTES_MAX, MEDIA_TYPE, Missing, Provenance, ReportInput,
    },
};
use tokio::time::Instant;

use super::{
    Reports,
    checkpoint::{self, SoFar},
    compose::Material,
    document::{Filled, document},
    docx::Template,
    fault::Fault,
    fields::{Field, fields},
    guard,
    sources::Sources,
    writer::{GivenUp, Writers},
};
use crate::executor::{Attempt, Finish, Level};

/// The largest template, in bytes.
const TEMPLATE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// How long filling a template may take.
const FILLING: Duration = Duration::from_mins(1);

/// What the document is called.
const DOCUMENT: (&str, &str) =
    ("report.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document");

/// What the file is called that tells where everything comes from.
const PROVENANCE: (&str, &str) = ("provenance.json", MEDIA_TYPE);

impl Reports {
    /// Writes the report, or goes on with it.
    pub(super) async fn write(
        &self,
        attempt: &Attempt,
        spec: &ReportSpec,
        so_far: &SoFar,
    ) -> Result<Finish, Fault> {
        let bytes = self.read(attempt, spec.template, TEMPLATE_BYTES_MAX, "template").await?;
        let template = guard::run(move || Template::open(bytes), FILLING).await??;
        let input = self.input(attempt, spec).await?;
        let fields = fields(template.keys(), &input);
        let sources = self.read_sources(attempt, spec, &input, fields.len()).await?;
        let writers = Writers::chosen(spec.writer, self.ollama.as_ref()).await?;
        let first = spelt(&writers.first());
        attempt.handle.log(Level::Info, &format!("fields are written by {first}"));
        let mut errors = sources.errors() as u64;
        let told = sources.told;
        let today = attempt.handle.now().date_naive();
        let material = Material::new(sources.index, &input, today, spec.passages_max, fields.len());

        so_far.begin(&input.salt);
        let composed = self.compose(attempt, &fields, &material, (so_far, writers)).await?;
        check_writers(spec.writer, &composed)?;
        check_known(&composed)?;
        let mut by_requester = String::new();
        for said in material.said_by_requester() {
            by_requester.push_str(said);
            by_requester.push('\n');
        }
        let filling = move || document(&template, composed, &by_requester);
        let Filled { document, composed, emptied } = guard::run(filling, FILLING).await??;
        for key in emptied {
            let line = format!("{key}: left empty after all: forbidden_output where it stands");
            attempt.handle.log(Level::Warn, &line);
        }
        check_known(&composed)?;
        let document = self.keep(attempt, DOCUMENT, document).await?;
        let (filled, empty, writers) = counted(&composed);
        errors +=
            composed.iter().filter(|it| it.missing.is_some_and(Missing::is_error)).count() as u64;
        let provenance = Provenance { salt: input.salt, fields: composed, sources: told };
        let provenance = self.keep(attempt, PROVENANCE, json(&provenance)?).await?;
        let written = Written { provenance, filled, empty, writers };
        Ok(Finish::Report { document, errors, written })
    }

    async fn input(&self, attempt: &Attempt, spec: &ReportSpec) -> Result<ReportInput, Fault> {
        let Some(sha256) = spec.input else { return Ok(ReportInput::default()) };
        let bytes = self.read(attempt, sha256, INPUT_BYTES_MAX as u64, "input").await?;
        serde_json::from_slice(&bytes).map_err(|_| Fault::InputUnreadable)
    }

    async fn read_sources(
        &self,
        attempt: &Attempt,
        spec: &ReportSpec,
        input: &ReportInput,
        fields: usize,
    ) -> Result<Sources, Fault> {
        let (handle, count) = (&attempt.handle, spec.sources.len());
        let mut sources = Sources::default();
        for (at, sha256) in spec.sources.iter().enumerate() {
            let number = at + 1;
            handle.progress(far(0, fields, &format!("source {number} of {count}")));
            let name = input.names.get(at).cloned().flatten();
            sources = sources.read((self, attempt), *sha256, name).await?;
            let Some(told) = sources.told.last() else { continue };
            match &told.error {
                Some(fault) => {
                    let line =
                        format!("source {number} is left out: {}: {}", fault.code, fault.message);
                    handle.log(Level::Warn, &line);
                }
                None => handle.log(Level::Info, &format!("source {number} is read")),
            }
            if 0 < told.pages_unread {
                let (unread, read) = (told.pages_unread, told.pages.unwrap_or_default());
                let line = format!(
                    "source {number} is used in part: {unread} of {} pages cannot be read",
                    unread + read
                );
                handle.log(Level::Warn, &line);
            }
            if 0 < told.pages_cut {
                let cut = told.pages_cut;
                let line =
                    format!("source {number} has too many pages: the last {cut} are not used");
                handle.log(Level::Warn, &line);
            }
            if told.truncated {
                handle
                    .log(Level::Warn, &format!("source {number} is too long: its end is not used"));
            }
        }
        sources.check()?;
        Ok(sources)
    }

    /// Every field; those are not written that an earlier attempt has left behind.
    async fn compose(
        &self,
        attempt: &Attempt,
        fields: &[Field],
        material: &Material,
        (so_far, mut writers): (&SoFar, Writers),
    ) -> Result<Vec<FieldProvenance>, Fault> {
        let handle = &attempt.handle;
        let left = checkpoint::left_behind(self, attempt, fields).await;
        let done = left.len();
        if 0 < done {
            let total = fields.len();
            handle.log(Level::Info, &format!("{done} of {total} fields were written before"));
        }
        so_far.add(left);
        let mut kept = Instant::now();
        for (at, field) in fields.iter().enumerate() {
            if so_far.has(at) {
                continue;
            }
            handle.progress(far(at, fields.len(), &field.key));
            let composed = material.compose(field, &mut writers).await;
            let it = match composed {
                Ok(it) => it,
                Err(GivenUp { fields }) => {
                    // The next attempt goes on from here.
                    so_far.leave(self, attempt).await?;
                    return Err(Fault::WriterGone { fields });
                }
            };
            handle.log(Level::Info, &line(field, &it));
            so_far.add([(at, it)]);
            if self.checkpoint_every <= kept.elapsed() {
                so_far.leave(self, attempt).await?;
                kept = Instant::now();
            }
            // Other jobs of this process want their turn, and somebody may want this one stopped.
            tokio::task::yield_now().await;
        }
        handle.progress(far(fields.len(), fields.len(), "the document"));
        Ok(so_far.fields())
    }

    pub(super) async fn read(
        &self,
        attempt: &Attempt,
        sha256: Sha256,
        bytes_max: u64,
        what: &'static str,
    ) -> Result<Bytes, Fault> {
        match self.stored(attempt, sha256, bytes_max).await {
            Err(ArtifactError::NotStored) => Err(Fault::Missing { what }),
            Err(ArtifactError::TooLarge { .. }) => Err(Fault::TooLarge { what, bytes_max }),
            read => Ok(read?),
        }
    }

    /// A file, as it is stored.
    pub(super) async fn stored(
        &self,
        attempt: &Attempt,
        sha256: Sha256,
        bytes_max: u64,
    ) -> Result<Bytes, ArtifactError> {
        let sha256 = &sha256.bytes();
        attempt.handle.patiently(|| self.files.read(sha256, bytes_max)).await
    }

    /// Stores a file, and keeps it for the job.
    pub(super) async fn keep(
        &self,
        attempt: &Attempt,
        (name, media_type): (&str, &str),
        bytes: Bytes,
    ) -> Result<Artifact, Fault> {
        let bytes = &bytes;
        let keep = async move || {
            let now = attempt.handle.now();
            let stored = self.files.put_bytes(bytes.clone(), now).await?;
            let reference = Reference {
                owner: attempt.owner.0,
                subject: Subject::Job(attempt.job.0),
                name: name.to_owned(),
                media_type: media_type.to_owned(),
            };
            self.files.refer(&stored.sha256, reference, now).await?;
            Ok::<_, ArtifactError>(stored)
        };
        let stored = attempt.handle.patiently(keep).await?;
        let (sha256, bytes) = (Sha256::new(stored.sha256), stored.bytes);
        Ok(Artifact { sha256, name: name.to_owned(), bytes })
    }
}

/// As the bytes of a file.
pub(super) fn json(value: &impl serde::Serialize) -> Result<Bytes, Fault> {
    let bytes = serde_json::to_vec(value);
    bytes.map(Bytes::from).map_err(|error| Fault::Files(ArtifactError::Damaged(error.into())))
}

/// If a model was asked for, and it failed at every field, then so has the
/// report.
fn check_writers(choice: WriterChoice, composed: &[FieldProvenance]) -> Result<(), Fault> {
    let asked = composed.iter().filter(|it| it.writer.is_some()).count();
    let failed = composed
        .iter()
        .filter(|it| matches!(it.missing, Some(Missing::TimedOut | Missing::WriterFailed)));
    if choice == WriterChoice::Ollama && 0 < asked && failed.count() == asked {
        return Err(Fault::WriterFailed { fields: asked });
    }
    Ok(())
}

/// A document without a word in its fields is no report.
fn check_known(composed: &[FieldProvenance]) -> Result<(), Fault> {
    if composed.iter().all(|it| it.status == FieldStatus::Empty) {
        return Err(Fault::NothingKnown { fields: composed.len() });
    }
    Ok(())
}

fn far(done: usize, total: usize, message: &str) -> Progress {
    let message = Some(message.chars().take(200).collect());
    Progress { done: done as u64, total: Some(total as u64), message }
}

/// What is logged of a field: nothing that it says.
fn line(field: &Field, it: &FieldProvenance) -> String {
    let (key, passages) = (&field.key, it.passages.len());
    let status = match it.status {
        FieldStatus::Given => "given",
        FieldStatus::Found => "found",
        FieldStatus::Written => "written",
        FieldStatus::Empty => "left empty",
    };
    let writer = it.writer.map(|it| format!(" by {}", spelt(&it))).unwrap_or_default();
    let missing = it.missing.map(|it| format!(": {}", spelt(&it))).unwrap_or_default();
    format!("{key}: {status}{writer}, {passages} passages{missing}")
}

/// As it is spelt in files.
fn spelt(word: &impl serde::Serialize) -> String {
    match serde_json::to_value(word) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// How many fields hold something, how many nothing, and who wrote.
fn counted(composed: &[FieldProvenance]) -> (u64, u64, Vec<domain::job::Writer>) {
    let empty = composed.iter().filter(|it| it.status == FieldStatus::Empty).count();
    let wrote = composed.iter().filter(|it| it.status == FieldStatus::Written);
    let mut writers: Vec<_> = wrote.filter_map(|it| it.writer).collect();
    writers.sort_unstable();
    writers.dedup();
    ((composed.len() - empty) as u64, empty as u64, writers)
}
