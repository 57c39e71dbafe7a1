//! The files that stand beside a report's events: what it is to be written
//! from, and what it tells of itself.
//!
//! They hold names, values and texts, which no event may. Events know them by
//! their SHA-256 alone, and the salt keeps that from telling what is in them.

mod field;
mod language;
mod provenance;
mod trace;

pub use field::{FieldKind, FieldSpec};
pub use language::Language;
pub use provenance::{
    CitedPassage, FieldProvenance, FieldStatus, Missing, Provenance, SourceFault, SourceProvenance,
};
pub use trace::{Trace, traces};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::Refusal;

/// The media type of both files.
pub const MEDIA_TYPE: &str = "application/json";

/// The largest input, in bytes of JSON.
pub const INPUT_BYTES_MAX: usize = 1024 * 1024;

/// How many values, and how many specifications, at most.
const ITEMS_MAX: usize = 500;

/// The longest value, in characters.
const VALUE_CHARS_MAX: usize = 10_000;

/// What a report is to be written from, its files aside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportInput {
    /// Random: without it, the hash of the file would give away what is in it
    /// to whoever can guess.
    pub salt: String,
    /// What the sources are called, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Option<String>>,
    /// What is known already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<GivenValue>,
    /// How fields are to be written that are not to be written as usual.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldSpec>,
    /// Where the report is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The day that it bears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<NaiveDate>,
    /// What a language model is to write in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// What a field is to hold, as the requester gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenValue {
    /// Which field.
    pub key: String,
    /// What it is to hold.
    pub value: String,
}

impl ReportInput {
    /// Refuses what could not be kept, or would not be allowed to stand in a
    /// document.
    pub fn check(&self) -> Result<(), Refusal> {
        at_most("values", self.values.len(), ITEMS_MAX)?;
        at_most("fields", self.fields.len(), ITEMS_MAX)?;
        for (at, name) in self.names.iter().enumerate() {
            within(&format!("sources/{at}/name"), name.as_deref().unwrap_or_default(), 255)?;
        }
        for (at, given) in self.values.iter().enumerate() {
            field::check_key(&format!("values/{at}/key"), &given.key)?;
            let place = format!("values/{at}/value");
            within(&place, &given.value, VALUE_CHARS_MAX)?;
            presentable(&place, &given.value)?;
        }
        for (at, spec) in self.fields.iter().enumerate() {
            spec.check(&format!("fields/{at}"))?;
        }
        if let Some(place) = &self.place {
            within("place", place, 200)?;
            presentable("place", place)?;
        }
        Ok(())
    }
}

/// What a requester writes may name a source, since a street may be called so;
/// what no document may hold, it may not.
fn presentable(field: &str, value: &str) -> Result<(), Refusal> {
    let forbidden = value.contains("}}")
        || traces(value).any(|it| matches!(it.0, Trace::Placeholder | Trace::Json));
    if forbidden {
        return Err(Refusal::invalid(field.to_owned(), "plain text, neither placeholder nor JSON"));
    }
    Ok(())
}

fn at_most(field: &'static str, count: usize, max: usize) -> Result<(), Refusal> {
    if max < count {
        return Err(Refusal::invalid(field, format!("at most {max} of them")));
    }
    Ok(())
}

fn within(field: &str, text: &str, chars_max: usize) -> Result<(), Refusal> {
    if chars_max < text.chars().count() || text.contains('\0') {
        let rule = format!("at most {chars_max} characters, none of them NUL");
        return Err(Refusal::invalid(field.to_owned(), rule));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
