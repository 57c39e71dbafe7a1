//! One field after another: given, found, written, or left empty; and where
//! it came from.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use domain::report::{CitedPassage, FieldKind, FieldProvenance, FieldStatus, Missing, ReportInput};

use super::{
    bm25::{Hit, Index},
    fields::{self, Field, Form},
    writer::{Draft, GivenUp, Writers},
};

/// How many passages a field is written from, unless it is said.
const PASSAGES: usize = 10;

/// How many passages all fields together are written from at most.
const PASSAGES_MAX: usize = 10_000;

/// How much of a passage is cited, in characters.
const EXCERPT_CHARS: usize = 300;

/// What all fields of a report are written from.
pub(super) struct Material {
    pub(super) index: Index,
    /// By keys in upper case; blank ones are none.
    given: HashMap<String, String>,
    place: Option<String>,
    date: NaiveDate,
    passages_max: usize,
}

impl Material {
    pub(super) fn new(
        index: Index,
        input: &ReportInput,
        today: NaiveDate,
        passages_max: Option<u16>,
        fields: usize,
    ) -> Self {
        let passages_max = passages_max.map_or(PASSAGES, usize::from);
        let given = input.values.iter().map(|it| (fields::upper(&it.key), it.value.clone()));
        Self {
            index,
            given: given.filter(|it| !it.1.trim().is_empty()).collect(),
            place: input.place.clone().filter(|it| !it.trim().is_empty()),
            date: input.date.unwrap_or(today),
            passages_max: passages_max.min(PASSAGES_MAX / fields.max(1)).max(1),
        }
    }

    /// Everything that the requester wrote.
    pub(super) fn said_by_requester(&self) -> impl Iterator<Item = &str> {
        self.given.values().chain(&self.place).map(String::as_str)
    }

    /// What is to stand in a field, and why.
    pub(super) async fn compose(
        &self,
        field: &Field,
        writers: &mut Writers,
    ) -> Result<FieldProvenance, GivenUp> {
        if let Some(value) = self.given.get(&fields::upper(&field.key)) {
            return Ok(settled(field, FieldStatus::Given, value.clone()));
        }
        if field.kind == FieldKind::Deterministic {
            return Ok(match self.found(field.form) {
                Some((value, passages)) => {
                    let found = settled(field, FieldStatus::Found, value);
                    FieldProvenance { passages, ..found }
                }
                None => left_empty(field, Missing::NotGiven),
            });
        }
        let hits = self.index.search(&field.query, self.passages_max);
        let sources: HashSet<u32> = hits.iter().map(|it| it.passage.source).collect();
        if hits.is_empty() || sources.len() < field.sources_min {
            return Ok(left_empty(field, Missing::NoSource));
        }
        let drafted = match writers.write(field, &self.index, &hits).await? {
            Draft::Written { text, writer } => {
                let written = settled(field, FieldStatus::Written, text);
                FieldProvenance { writer: Some(writer), ..written }
            }
            Draft::Nothing { missing, writer } => {
                FieldProvenance { writer: Some(writer), ..left_empty(field, missing) }
            }
        };
        Ok(FieldProvenance { passages: hits.iter().map(cited).collect(), ..drafted })
    }

    /// What is told by its form.
    fn found(&self, form: Option<Form>) -> Option<(String, Vec<CitedPassage>)> {
        match form? {
            Form::AvsNumber => self.index.passages().iter().find_map(|passage| {
                let number = fields::avs_number(&passage.text)?;
                Some((number, vec![cited(&Hit { passage, score: 1.0 })]))
            }),
            Form::PlaceAndDate => {
                let place = self.place.as_deref()?;
                Some((fields::place_and_date(place, self.date), Vec::new()))
            }
        }
    }
}

fn settled(field: &Field, status: FieldStatus, value: String) -> FieldProvenance {
    FieldProvenance {
        key: field.key.clone(),
        kind: field.kind,
        value,
        status,
        writer: None,
        missing: None,
        passages: Vec::new(),
    }
}

fn left_empty(field: &Field, missing: Missing) -> FieldProvenance {
    let empty = settled(field, FieldStatus::Empty, String::new());
    FieldProvenance { missing: Some(missing), ..empty }
}

fn cited(hit: &Hit<'_>) -> CitedPassage {
    CitedPassage {
        source: hit.passage.source,
        page: hit.passage.page,
        excerpt: hit.passage.text.chars().take(EXCERPT_CHARS).collect(),
        score: hit.score,
    }
}

#[cfg(test)]
mod tests;
