//! The document: the template, filled, and looked through once more.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use domain::report::{FieldProvenance, FieldStatus, Trace, traces};

use super::{
    docx::{self, Template},
    fault::Fault,
    fields,
};

/// A document that says more than this is not filled again and again to find
/// out whose fault something is.
const SEARCHED_BYTES_MAX: usize = 1024 * 1024;

/// The document with what the fields hold. What neither the template nor the
/// requester wrote may leave no trace of how it was made.
pub(super) fn document(
    template: &Template,
    composed: &[FieldProvenance],
    by_requester: &str,
) -> Result<Bytes, Fault> {
    let document = filled(template, composed)?;
    let said = docx::said(document.clone())?;
    // There may be very many: each is looked up, none is looked for.
    let theirs: HashSet<&str> = words(template.own()).chain(words(by_requester)).collect();
    let may_stand = |it: &(Trace, &str)| it.0 != Trace::Placeholder && theirs.contains(it.1);
    let suspects: Vec<_> = traces(&said).filter(|it| !may_stand(it)).collect();
    if suspects.is_empty() {
        return Ok(document);
    }
    // What was given may go on where the template leaves off: `Source : {{YEAR}}`.
    let (written, known): (Vec<_>, Vec<_>) =
        composed.iter().cloned().partition(|it| it.status == FieldStatus::Written);
    let by_template = docx::said(filled(template, &known)?)?;
    let by_template: HashSet<&str> = words(&by_template).collect();
    for (trace, words) in suspects {
        let what = match trace {
            Trace::Placeholder => "a placeholder",
            _ if by_template.contains(words) => continue,
            Trace::Json => "JSON",
            Trace::SourceReference => "the number of a source",
        };
        let field = if said.len() <= SEARCHED_BYTES_MAX {
            culprit(template, &known, &written, words)?
        } else {
            None
        };
        return Err(Fault::NotClean { what, field });
    }
    Ok(document)
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

/// Which of the fields that were written brings these words into the
/// document.
fn culprit(
    template: &Template,
    known: &[FieldProvenance],
    written: &[FieldProvenance],
    words: &str,
) -> Result<Option<String>, Fault> {
    let says = |count: usize| -> Result<bool, Fault> {
        let mut fields = known.to_vec();
        fields.extend_from_slice(&written[..count]);
        Ok(docx::said(filled(template, &fields)?)?.contains(words))
    };
    // With the first `without` of them the words are not there, with `with` they are.
    let (mut without, mut with) = (0, written.len());
    if says(without)? || !says(with)? {
        return Ok(None);
    }
    while without + 1 < with {
        let half = without.midpoint(with);
        if says(half)? { with = half } else { without = half }
    }
    Ok(Some(written[without].key.clone()))
}

#[cfg(test)]
mod tests;
