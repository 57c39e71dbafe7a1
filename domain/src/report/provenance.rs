//! What a report tells of itself: for each field, who wrote it and from which
//! passages; for each source, what was read of it.

use serde::{Deserialize, Serialize};

use super::FieldKind;
use crate::{artifact::Sha256, job::Writer};

/// What a report tells of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Random: see [`ReportInput::salt`](super::ReportInput::salt).
    pub salt: String,
    /// The fields, in the order in which the template has them.
    pub fields: Vec<FieldProvenance>,
    /// The sources, in the order in which they were given.
    pub sources: Vec<SourceProvenance>,
}

/// Where what stands in a field comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldProvenance {
    /// Which field, as the template writes it.
    pub key: String,
    /// What it was to hold.
    pub kind: FieldKind,
    /// What stands there; empty if nothing does.
    pub value: String,
    /// How it came there.
    pub status: FieldStatus,
    /// Who wrote it, if anybody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writer: Option<Writer>,
    /// Why nothing stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// The passages that it was written from, best first: what a model was shown,
    /// or what Greffe took words from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passages: Vec<CitedPassage>,
}

/// How something came to stand in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldStatus {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
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

impl Missing {
    /// Whether its writer might do better if it were asked again.
    pub fn is_passing(self) -> bool {
        match self {
            Self::TimedOut | Self::WriterFailed => true,
            Self::NotGiven
            | Self::NoSource
            | Self::NoAnswer
            | Self::NotAllowed
            | Self::ForbiddenOutput => false,
        }
    }

    /// Whether its writer is at fault: a report with such a field is no plain
    /// success.
    pub fn is_error(self) -> bool {
        self.is_passing() || self == Self::ForbiddenOutput
    }
}

/// A part of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CitedPassage {
    /// Which source, from 0.
    pub source: u32,
    /// On which page, from 1, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// What it says there.
    pub excerpt: String,
    /// How well it fits the field.
    pub score: f64,
}

/// What was read of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceProvenance {
    /// What the requester calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is in it.
    pub sha256: Sha256,
    /// How many pages were read, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    /// Whether it was so long that the rest was left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// How many pages could not be read.
    #[serde(default, skip_serializing_if = "is_none")]
    pub pages_unread: u32,
    /// How many pages at its end were not looked at, because it has too many.
    #[serde(default, skip_serializing_if = "is_none")]
    pub pages_cut: u32,
    /// Why it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<SourceFault>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// Why a source could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFault {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
}
