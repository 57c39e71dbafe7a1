//! The document: the template, filled, and looked through once more.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use domain::report::{FieldProvenance, FieldStatus, Missing, Trace, traces};

use super::{
    docx::{self, Template},
    fault::Fault,
    fields,
};

/// A document that says more than this is not filled again and again to find
/// out whose fault something is.
const SEARCHED_BYTES_MAX: usize = 1024 * 1024;

/// How many fields are emptied at most, so that others may stand.
const EMPTIED_MAX: usize = 10;

/// What would be left of the making of a document.
struct Left {
    what: &'static str,
    /// The number of the field that brings it there, if that is known.
    by: Option<usize>,
}

/// A document, filled.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) document: Bytes,
    /// What stands in it.
    pub(super) composed: Vec<FieldProvenance>,
    /// The keys of the fields that were left empty after all.
    pub(super) emptied: Vec<String>,
}

/// The document with what the fields hold. What neither the template nor the
/// requester wrote may leave no trace of how it was made: a field that would,
/// where it stands, is left empty.
pub(super) fn document(
    template: &Template,
    mut composed: Vec<FieldProvenance>,
    by_requester: &str,
) -> Result<Filled, Fault> {
    let mut emptied = Vec::new();
    loop {
        let document = filled(template, &composed)?;
        let Some(Left { what, by }) = left(template, &document, &composed, by_requester)? else {
            return Ok(Filled { document, composed, emptied });
        };
        match by.and_then(|it| composed.get_mut(it)) {
            Some(field) if emptied.len() < EMPTIED_MAX => {
                empty(field);
                emptied.push(field.key.clone());
            }
            field => return Err(Fault::NotClean { what, field: field.map(|it| it.key.clone()) }),
        }
    }
}

/// Leaves a field empty, as if its writer had been told so at once.
fn empty(field: &mut FieldProvenance) {
    field.value.clear();
    field.passages.clear();
    field.status = FieldStatus::Empty;
    field.missing = Some(Missing::ForbiddenOutput);
}

/// What is left of its making in a document, if anything is.
fn left(
    template: &Template,
    document: &Bytes,
    composed: &[FieldProvenance],
    by_requester: &str,
) -> Result<Option<Left>, Fault> {
    let said = docx::said(document.clone())?;
    // There may be very many: each is looked up, none is looked for.
    let theirs: HashSet<&str> = words(template.own()).chain(words(by_requester)).collect();
    let may_stand = |it: &(Trace, &str)| it.0 != Trace::Placeholder && theirs.contains(it.1);
    let suspects: Vec<_> = traces(&said).filter(|it| !may_stand(it)).collect();
    if suspects.is_empty() {
        return Ok(None);
    }
    // What was given may go on where the template leaves off: `Source : {{YEAR}}`.
    let by_template = docx::said(filled(template, &with_written(composed, 0))?)?;
    let by_template: HashSet<&str> = words(&by_template).collect();
    for (trace, words) in suspects {
        let what = match trace {
            Trace::Placeholder => "a placeholder",
            _ if by_template.contains(words) => continue,
            Trace::Json => "JSON",
            Trace::SourceReference => "the number of a source",
        };
        let is_searched = said.len() <= SEARCHED_BYTES_MAX;
        let by = if is_searched { culprit(template, composed, words)? } else { None };
        return Ok(Some(Left { what, by }));
    }
    Ok(None)
}

/// The words of all traces in a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    traces(text).map(|it| it.1)
}

fn filled(template: &Template, fields: &[FieldProvenance]) -> Result<Bytes, Fault> {
    let values: HashMap<String, String> =
        fields.iter().map(|it| (fields::upper(&it.key), it.value.clone())).collect();
    Ok(template.fill(&values)?)
}

/// The fields, but of those that were written only the first so many.
fn with_written(composed: &[FieldProvenance], count: usize) -> Vec<FieldProvenance> {
    let mut left = count;
    let stands = |it: &&FieldProvenance| {
        let is_written = it.status == FieldStatus::Written;
        let stands = !is_written || 0 < left;
        left = left.saturating_sub(usize::from(is_written));
        stands
    };
    composed.iter().filter(stands).cloned().collect()
}

/// The number of the field that brings these words into the document, of those
/// that were written.
fn culprit(
    template: &Template,
    composed: &[FieldProvenance],
    trace: &str,
) -> Result<Option<usize>, Fault> {
    let numbers: Vec<usize> = (0..)
        .zip(composed)
        .filter(|(_, it)| it.status == FieldStatus::Written)
        .map(|(number, _)| number)
        .collect();
    let says = |count: usize| -> Result<bool, Fault> {
        let said = docx::said(filled(template, &with_written(composed, count))?)?;
        Ok(words(&said).any(|it| it == trace))
    };
    // With the first `without` of them the words are not there, with `with` they are.
    let (mut without, mut with) = (0, numbers.len());
    if says(without)? || !says(with)? {
        return Ok(None);
    }
    while without + 1 < with {
        let half = without.midpoint(with);
        if says(half)? { with = half } else { without = half }
    }
    Ok(numbers.get(without).copied())
}

#[cfg(test)]
mod tests;
