//! One field after another: given, found, written, or left empty; and where
//! it came from.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
};

use chrono::NaiveDate;
use domain::report::{CitedPassage, FieldKind, FieldProvenance, FieldStatus, Missing, ReportInput};

use super::{
    bm25::{Hit, Index},
    fields::{self, Field, Form},
    passages::{self, Passage},
    writer::{Draft, GivenUp, Taken, Writers},
};

/// How many passages a field is written from, unless it is said.
const PASSAGES: usize = 10;

/// How much of a passage is cited, in characters: what stands around that which
/// was taken from it, or all of that: a model may have been shown the whole
/// passage.
const EXCERPT_CHARS: usize = 300;
const EXCERPT_CHARS_MAX: usize = passages::CHARS;

/// How many passages all fields together are written from at most.
const PASSAGES_MAX: usize = 10_000;

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
        Ok(match writers.write(field, &self.index, &hits).await? {
            Draft::Written { text, writer, taken } => {
                let written = settled(field, FieldStatus::Written, text);
                let passages = cited(&hits, &taken);
                FieldProvenance { writer: Some(writer), passages, ..written }
            }
            Draft::Nothing { missing, writer } => {
                FieldProvenance { writer: Some(writer), ..left_empty(field, missing) }
            }
        })
    }

    /// What is told by its form.
    fn found(&self, form: Option<Form>) -> Option<(String, Vec<CitedPassage>)> {
        match form? {
            Form::AvsNumber => self.index.passages().iter().find_map(|passage| {
                let (at, number) = fields::avs_number(&passage.text)?;
                Some((number, vec![citation(&Hit { passage, score: 1.0 }, &(at..at))]))
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

/// The passages that something was taken from, in their order, each once.
fn cited(hits: &[Hit<'_>], taken: &[Taken]) -> Vec<CitedPassage> {
    let mut parts = BTreeMap::<usize, Range<usize>>::new();
    for Taken { hit, part } in taken {
        let whole = parts.entry(*hit).or_insert_with(|| part.clone());
        *whole = whole.start.min(part.start)..whole.end.max(part.end);
    }
    parts.iter().filter_map(|(hit, part)| Some(citation(hits.get(*hit)?, part))).collect()
}

fn citation(hit: &Hit<'_>, part: &Range<usize>) -> CitedPassage {
    let Passage { source, page, .. } = *hit.passage;
    CitedPassage { source, page, excerpt: excerpt(&hit.passage.text, part), score: hit.score }
}

/// What a passage says in this part, and around it.
fn excerpt(text: &str, part: &Range<usize>) -> String {
    let chars = text[part.clone()].chars().count();
    let room = EXCERPT_CHARS.saturating_sub(chars);
    let before = text[..part.start].char_indices().rev().take(room / 2).last();
    let from = before.map_or(part.start, |it| it.0);
    let length = chars.clamp(EXCERPT_CHARS, EXCERPT_CHARS_MAX);
    text[from..].chars().take(length).collect()
}

#[cfg(test)]
mod tests;
