//! What only reports have: what they were asked for, the document, and where everything in it comes
//! from.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object, SimpleObject};
use domain::{
    artifact::Artifact as File,
    job::{ReportSpec, Written},
    report::{Provenance, ReportInput, SourceProvenance},
};
use projections::job_list::JobRow;
use serde::Deserialize;
use tokio::sync::OnceCell;

use super::content::{input, outcome};
use crate::graphql::{
    artifact::Artifact,
    budget,
    fault::{Result, internal},
    report::{self, FieldKind, ReportWriterChoice},
    scalar::Long,
    sides,
};

/// What reading the file costs that tells of a report, and each part of it of so many bytes.
const PROVENANCE_COST: u32 = 80;
const PART_BYTES: u64 = 64 * 1024;

/// What only reports have.
#[derive(Clone)]
pub(in crate::graphql) struct ReportFields(Arc<Asked>);

struct Asked {
    row: Arc<JobRow>,
    /// What it tells of itself, once it has been read.
    told: OnceCell<Option<Provenance>>,
}

/// What came out, as the tables have it.
#[derive(Deserialize)]
struct Outcome {
    document: File,
    written: Option<Written>,
}

/// Who can write a field.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::job::Writer")]
enum ReportWriter {
    /// A language model, asked by way of Ollama.
    Ollama,
    /// Greffe itself, in the words of the sources.
    Extractive,
}

/// How something came to stand in a field.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::report::FieldStatus")]
enum FieldStatus {
    /// The requester gave it.
    Given,
    /// It was copied from a source by its form, or follows from the request.
    Found,
    /// It was written from passages of the sources.
    Written,
    /// Nothing stands there.
    Empty,
}

/// Why nothing stands in a field.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::report::Missing")]
enum FieldMissing {
    /// It is not for writing, and nobody gave it.
    NotGiven,
    /// No source, or too few of them, says anything about it.
    NoSource,
    /// Its writer found nothing to say.
    NoAnswer,
    /// What its writer said is none of the allowed values.
    NotAllowed,
    /// What its writer said may not stand in a document.
    ForbiddenOutput,
    /// Its writer took too long.
    TimedOut,
    /// Its writer failed.
    WriterFailed,
}

/// A part of a source that a field was written from.
#[derive(SimpleObject)]
struct CitedPassage {
    /// Which of the report's sources, from 0.
    source: i32,
    /// On which page, from 1; null if the source has none.
    page: Option<i32>,
    /// What it says there.
    excerpt: String,
    /// How well it fits the field; above 0.
    score: f64,
}

/// A field of a report, and where what stands in it comes from. For whoever may see the report.
#[derive(SimpleObject)]
struct ReportField {
    /// Which, as the template writes it.
    key: String,
    /// What it was to hold.
    kind: FieldKind,
    /// What stands there; empty if nothing does.
    value: String,
    /// How it came there.
    status: FieldStatus,
    /// Who wrote it; null if nobody did.
    writer: Option<ReportWriter>,
    /// Why nothing stands there; null if something does.
    missing: Option<FieldMissing>,
    /// The passages that it was written from, best first: what a model was shown, or what Greffe
    /// took words from.
    passages: Vec<CitedPassage>,
}

/// Why a source could not be read.
#[derive(SimpleObject)]
struct SourceFault {
    /// For programs, such as `encrypted`.
    code: String,
    /// For people.
    message: String,
}

/// A file that a report was to draw from.
#[derive(SimpleObject)]
struct ReportSource {
    /// What is in it: 64 hexadecimal digits.
    sha256: String,
    /// What the requester calls it.
    name: Option<String>,
    /// How many pages were read; null before, and if it has none.
    pages: Option<i32>,
    /// Whether it was so long that its end was not used.
    truncated: bool,
    /// How many pages could not be read; 0 before.
    pages_unread: i32,
    /// How many pages at its end were not looked at, because it has too many; 0 before.
    pages_cut: i32,
    /// Why nothing of it is used; null if something is, and before.
    error: Option<SourceFault>,
}

#[Object]
impl ReportFields {
    /// The template: 64 hexadecimal digits.
    async fn template(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.spec(ctx).await?.template.to_string())
    }

    /// The files that it draws from, and what could not be read of them.
    #[graphql(complexity = "100 + child_complexity")]
    async fn sources(&self, ctx: &Context<'_>) -> Result<Vec<ReportSource>> {
        if let Some(told) = self.told(ctx).await? {
            budget::spend(ctx, count(&told.sources))?;
            return Ok(told.sources.iter().cloned().map(ReportSource::from).collect());
        }
        let spec = self.spec(ctx).await?;
        budget::spend(ctx, count(&spec.sources))?;
        let files = &sides(ctx).artifacts;
        let names = match spec.input {
            Some(sha256) => report::read::<ReportInput>(files, sha256).await?.names,
            None => Vec::new(),
        };
        let sources = spec.sources.iter().enumerate().map(|(at, sha256)| ReportSource {
            sha256: sha256.to_string(),
            name: names.get(at).cloned().flatten(),
            pages: None,
            truncated: false,
            pages_unread: 0,
            pages_cut: 0,
            error: None,
        });
        Ok(sources.collect())
    }

    /// Who was asked to write.
    async fn writer(&self, ctx: &Context<'_>) -> Result<ReportWriterChoice> {
        Ok(self.spec(ctx).await?.writer.into())
    }

    /// Who wrote fields of it; nobody until it has succeeded.
    async fn writers(&self, ctx: &Context<'_>) -> Result<Vec<ReportWriter>> {
        let written = self.outcome(ctx).await?.and_then(|it| it.written);
        let writers = written.into_iter().flat_map(|it| it.writers);
        Ok(writers.map(ReportWriter::from).collect())
    }

    /// The document; null until it has succeeded.
    async fn document(&self, ctx: &Context<'_>) -> Result<Option<Artifact>> {
        Ok(self.outcome(ctx).await?.map(|it| it.document.into()))
    }

    /// The file that tells where everything comes from, as JSON; null until it has succeeded.
    async fn provenance(&self, ctx: &Context<'_>) -> Result<Option<Artifact>> {
        let written = self.outcome(ctx).await?.and_then(|it| it.written);
        Ok(written.map(|it| it.provenance.into()))
    }

    /// How many fields hold something; null until it has succeeded.
    async fn fields_filled(&self, ctx: &Context<'_>) -> Result<Option<Long>> {
        Ok(self.outcome(ctx).await?.and_then(|it| it.written).map(|it| Long(it.filled)))
    }

    /// How many fields hold nothing; null until it has succeeded.
    async fn fields_empty(&self, ctx: &Context<'_>) -> Result<Option<Long>> {
        Ok(self.outcome(ctx).await?.and_then(|it| it.written).map(|it| Long(it.empty)))
    }

    /// The fields, in the order in which the template has them, each with where it comes from; none
    /// until it has succeeded.
    #[graphql(complexity = "100 + child_complexity")]
    async fn fields(&self, ctx: &Context<'_>) -> Result<Vec<ReportField>> {
        let Some(told) = self.told(ctx).await? else { return Ok(Vec::new()) };
        budget::spend(ctx, count(&told.fields))?;
        if ctx.look_ahead().field("passages").exists() {
            let passages: usize = told.fields.iter().map(|it| it.passages.len()).sum();
            budget::spend(ctx, u32::try_from(passages).unwrap_or(u32::MAX))?;
        }
        Ok(told.fields.iter().cloned().map(ReportField::from).collect())
    }
}

impl ReportFields {
    async fn spec(&self, ctx: &Context<'_>) -> Result<ReportSpec> {
        report::spec(&input(ctx, &self.0.row).await?)
    }

    async fn outcome(&self, ctx: &Context<'_>) -> Result<Option<Outcome>> {
        let result = outcome(ctx, &self.0.row).await?.and_then(|it| it.result);
        result.as_deref().map(serde_json::from_str).transpose().map_err(|error| internal(&error))
    }

    /// What it tells of itself, if it is written: read once, whatever of it is asked for.
    async fn told(&self, ctx: &Context<'_>) -> Result<Option<&Provenance>> {
        let read = self.0.told.get_or_try_init(|| async {
            let Some(written) = self.outcome(ctx).await?.and_then(|it| it.written) else {
                return Ok(None);
            };
            let parts = u32::try_from(written.provenance.bytes / PART_BYTES).unwrap_or(u32::MAX);
            budget::spend(ctx, PROVENANCE_COST.saturating_add(parts))?;
            report::read(&sides(ctx).artifacts, written.provenance.sha256).await.map(Some)
        });
        Ok(read.await?.as_ref())
    }
}

impl From<Arc<JobRow>> for ReportFields {
    fn from(row: Arc<JobRow>) -> Self {
        Self(Arc::new(Asked { row, told: OnceCell::new() }))
    }
}

impl From<domain::report::FieldProvenance> for ReportField {
    fn from(it: domain::report::FieldProvenance) -> Self {
        let passages = it.passages.into_iter().map(|it| CitedPassage {
            source: small(it.source),
            page: it.page.map(small),
            excerpt: it.excerpt,
            score: it.score,
        });
        Self {
            key: it.key,
            kind: it.kind.into(),
            value: it.value,
            status: it.status.into(),
            writer: it.writer.map(Into::into),
            missing: it.missing.map(Into::into),
            passages: passages.collect(),
        }
    }
}

impl From<SourceProvenance> for ReportSource {
    fn from(it: SourceProvenance) -> Self {
        Self {
            sha256: it.sha256.to_string(),
            name: it.name,
            pages: it.pages.map(small),
            truncated: it.truncated,
            pages_unread: small(it.pages_unread),
            pages_cut: small(it.pages_cut),
            error: it.error.map(|it| SourceFault { code: it.code, message: it.message }),
        }
    }
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// Sources and pages are few.
fn small(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
