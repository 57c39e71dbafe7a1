//! The document: the template, filled, and looked through once more.

use std::collections::HashMap;

use bytes::Bytes;
use domain::report::{FieldProvenance, Trace, traces};

use super::{
    docx::{self, Template},
    fault::Fault,
    fields,
};

/// The document with what the fields hold. What neither the template nor the
/// requester wrote may leave no trace of how it was made.
pub(super) fn document(
    template: &Template,
    composed: &[FieldProvenance],
    by_requester: &str,
) -> Result<Bytes, Fault> {
    let values: HashMap<String, String> =
        composed.iter().map(|it| (fields::upper(&it.key), it.value.clone())).collect();
    let document = template.fill(&values)?;
    let said = docx::said(document.clone())?;
    for (trace, words) in traces(&said) {
        match trace {
            Trace::Placeholder => return Err(Fault::NotClean { what: "a placeholder" }),
            _ if template.own().contains(words) || by_requester.contains(words) => {}
            Trace::Json => return Err(Fault::NotClean { what: "JSON" }),
            Trace::SourceReference => {
                return Err(Fault::NotClean { what: "the number of a source" });
            }
        }
    }
    Ok(document)
}

#[cfg(test)]
mod tests;
