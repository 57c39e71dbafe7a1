//! Why a report came to nothing, by what one does about it.

use std::{error::Error, io};

use artifacts::ArtifactError;
use domain::job::JobError;

use super::{
    docx::{PackageFault, TemplateFault},
    guard::Runaway,
    reader::Unavailable,
    writer::NoModel,
};

/// How much of the key of a field is told.
const KEY_CHARS_MAX: usize = 100;

/// Why a report came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Give it another template.
    #[error("the template cannot be filled: {0}")]
    Template(TemplateFault),
    /// Give it another template.
    #[error("reading the template took too long or went wrong")]
    TemplateRunaway,
    /// Try again: whoever holds the places is to blame.
    #[error("so many other files are being read that there was no place for those of this report")]
    NoPlace,
    /// Give it other sources.
    #[error("none of the {count} sources can be read: {told}")]
    NoReadableSource { count: usize, told: String },
    /// Upload it again.
    #[error("the {what} is not stored any more")]
    Missing { what: &'static str },
    /// Give it a smaller one.
    #[error("the {what} has more than {bytes_max} bytes")]
    TooLarge { what: &'static str, bytes_max: u64 },
    /// The file with the values is none.
    #[error("what the report is to be written from cannot be read")]
    InputUnreadable,
    /// Wait until it is there, or ask for another writer.
    #[error("the language model does not answer")]
    WriterUnavailable,
    /// The same.
    #[error("the language model wrote none of the {fields} fields that it was asked for")]
    WriterFailed { fields: usize },
    /// The same.
    #[error("the language model failed at {fields} fields in a row")]
    WriterGone { fields: u32 },
    /// Give it other sources, or values. A document without a word is no report.
    #[error(
        "nothing is known of any of the {fields} fields: no value is given, no source speaks of one"
    )]
    NothingKnown { fields: usize },
    /// Change the template, or the values.
    #[error("{what} would be left in the document{}", told(field.as_deref()))]
    NotClean { what: &'static str, field: Option<String> },
    /// No process can be started to read the sources in.
    #[error("the sources cannot be read on this machine")]
    Reader(#[source] io::Error),
    /// The store is at fault, not the report.
    #[error("the file store does not answer as it should")]
    Files(#[source] ArtifactError),
}

/// Which field is at fault.
fn told(field: Option<&str>) -> String {
    let key = field.map(|it| it.chars().take(KEY_CHARS_MAX).collect::<String>());
    key.map(|it| format!(", by what stands in `{it}`")).unwrap_or_default()
}

impl Fault {
    fn code(&self) -> &'static str {
        match self {
            Self::Template(TemplateFault::NoPlaceholder) => "template_without_placeholders",
            Self::Template(TemplateFault::TooManyFields) => "template_too_many_fields",
            Self::Template(TemplateFault::Unclosed { .. } | TemplateFault::Misplaced { .. }) => {
                "template_malformed"
            }
            Self::Template(TemplateFault::Package(PackageFault::Bomb)) => "template_zip_bomb",
            Self::Template(TemplateFault::Package(
                PackageFault::Encrypted | PackageFault::Damaged | PackageFault::NotWord,
            ))
            | Self::TemplateRunaway => "template_unreadable",
            Self::NoPlace => "no_place",
            Self::NoReadableSource { .. } => "no_readable_source",
            Self::Missing { .. } => "file_missing",
            Self::TooLarge { .. } => "file_too_large",
            Self::InputUnreadable => "input_unreadable",
            Self::WriterUnavailable => "writer_unavailable",
            Self::WriterFailed { .. } | Self::WriterGone { .. } => "writer_failed",
            Self::NothingKnown { .. } => "nothing_known",
            Self::NotClean { .. } => "document_not_clean",
            Self::Reader(_) => "reader_unavailable",
            Self::Files(_) => "file_store",
        }
    }

    /// Whether the same report may succeed if it is tried again.
    fn is_passing(&self) -> bool {
        match self {
            Self::NoPlace
            | Self::WriterUnavailable
            | Self::WriterFailed { .. }
            | Self::WriterGone { .. }
            | Self::Reader(_)
            | Self::Files(_) => true,
            Self::Template(_)
            | Self::TemplateRunaway
            | Self::NoReadableSource { .. }
            | Self::Missing { .. }
            | Self::TooLarge { .. }
            | Self::InputUnreadable
            | Self::NothingKnown { .. }
            | Self::NotClean { .. } => false,
        }
    }

    /// As it goes on record. What this machine and the store say of themselves is
    /// the operator's.
    pub(super) fn recorded(&self) -> JobError {
        if let Self::Reader(error) = self {
            let error: &(dyn Error + 'static) = error;
            tracing::error!(error, "no process can be started to read sources in");
        }
        if let Self::Files(error) = self {
            let error: &(dyn Error + 'static) = error;
            tracing::error!(error, "a report cannot get at its files");
        }
        JobError {
            error_type: self.code().to_owned(),
            message: self.to_string(),
            detail: None,
            retryable: self.is_passing(),
        }
    }
}

impl From<TemplateFault> for Fault {
    fn from(fault: TemplateFault) -> Self {
        Self::Template(fault)
    }
}

impl From<PackageFault> for Fault {
    fn from(fault: PackageFault) -> Self {
        Self::Template(fault.into())
    }
}

impl From<Runaway> for Fault {
    fn from(runaway: Runaway) -> Self {
        match runaway {
            Runaway::Panicked | Runaway::TooSlow => Self::TemplateRunaway,
            Runaway::NoPlace => Self::NoPlace,
        }
    }
}

impl From<NoModel> for Fault {
    fn from(_: NoModel) -> Self {
        Self::WriterUnavailable
    }
}

impl From<Unavailable> for Fault {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable {
            Unavailable::NoPlace => Self::NoPlace,
            Unavailable::NoProcess(error) => Self::Reader(error),
        }
    }
}

impl From<ArtifactError> for Fault {
    fn from(error: ArtifactError) -> Self {
        Self::Files(error)
    }
}
