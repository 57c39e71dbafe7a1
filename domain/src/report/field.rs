//! How a field of a report is to be written.

use serde::{Deserialize, Serialize};

use super::within;
use crate::Refusal;

/// How a field is to be written. What is not said is as usual for its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSpec {
    /// Which field: the text between the braces, whatever its case.
    pub key: String,
    /// What it is to hold.
    pub kind: FieldKind,
    /// What to look for in the sources; the key, if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// What else its writer is to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// How many characters at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chars_max: Option<u32>,
    /// How many lines at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines_max: Option<u32>,
    /// What it may hold, if it is constrained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
    /// In how many sources something must be found before it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources_min: Option<u32>,
}

/// What a field is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// What was given, or can be copied from a source by its form; never
    /// written.
    Deterministic,
    /// A few words.
    Short,
    /// Sentences.
    Narrative,
    /// Items, one a line.
    List,
    /// One of the allowed values.
    Constrained,
}

impl FieldSpec {
    pub(super) fn check(&self, place: &str) -> Result<(), Refusal> {
        check_key(&format!("{place}/key"), &self.key)?;
        within(&format!("{place}/query"), self.query.as_deref().unwrap_or_default(), 1_000)?;
        let instructions = self.instructions.as_deref().unwrap_or_default();
        within(&format!("{place}/instructions"), instructions, 2_000)?;
        between(&format!("{place}/charsMax"), self.chars_max, 10_000)?;
        between(&format!("{place}/linesMax"), self.lines_max, 100)?;
        between(&format!("{place}/sourcesMin"), self.sources_min, 1_000)?;
        self.check_allowed(&format!("{place}/allowed"))
    }

    fn check_allowed(&self, place: &str) -> Result<(), Refusal> {
        let constrained = self.kind == FieldKind::Constrained;
        if constrained == self.allowed.is_empty() {
            let rule = "given for a constrained field, and for no other";
            return Err(Refusal::invalid(place.to_owned(), rule));
        }
        if 100 < self.allowed.len() {
            return Err(Refusal::invalid(place.to_owned(), "at most 100 of them"));
        }
        for (at, value) in self.allowed.iter().enumerate() {
            let place = format!("{place}/{at}");
            within(&place, value, 200)?;
            if value.trim().is_empty() {
                return Err(Refusal::invalid(place, "not blank"));
            }
            super::presentable(&place, value)?;
        }
        Ok(())
    }
}

/// Refuses what could not stand between the braces of a placeholder.
pub(super) fn check_key(place: &str, key: &str) -> Result<(), Refusal> {
    within(place, key, 200)?;
    if key.trim().is_empty() || key.contains(['{', '}']) {
        return Err(Refusal::invalid(place.to_owned(), "not blank, and without braces"));
    }
    Ok(())
}

fn between(place: &str, count: Option<u32>, max: u32) -> Result<(), Refusal> {
    if count.is_some_and(|it| it == 0 || max < it) {
        return Err(Refusal::invalid(place.to_owned(), format!("between 1 and {max}")));
    }
    Ok(())
}
