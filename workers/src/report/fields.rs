//! What each field of a template is to hold: as the request says, else as is
//! usual for a field of its name.

mod derived;
mod usual;

use std::collections::HashMap;

pub(super) use derived::{avs_number, place_and_date};
use domain::report::{FieldKind, FieldSpec, Language, ReportInput};

/// A field of a template, and everything that its writer needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// As the template writes it.
    pub(super) key: String,
    pub(super) kind: FieldKind,
    /// As people would call it.
    pub(super) label: String,
    /// What a language model is to write it in.
    pub(super) language: Language,
    /// What to look for in the sources.
    pub(super) query: String,
    pub(super) instructions: Option<String>,
    pub(super) chars_max: usize,
    pub(super) lines_max: usize,
    pub(super) allowed: Vec<String>,
    /// In how many sources something must be found before it is written.
    pub(super) sources_min: usize,
    /// How to find what is not written but copied by its form.
    pub(super) form: Option<Form>,
}

/// What can be told by its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The number of a Swiss social insurance.
    AvsNumber,
    /// Where and when a report was written.
    PlaceAndDate,
}

/// The fields of a template, in its order.
pub(super) fn fields(keys: &[String], input: &ReportInput) -> Vec<Field> {
    let said: HashMap<String, &FieldSpec> =
        input.fields.iter().map(|it| (upper(&it.key), it)).collect();
    let language = input.language.unwrap_or_default();
    keys.iter().map(|key| field(key, said.get(&upper(key)).copied(), language)).collect()
}

/// Keys are compared without case.
pub(super) fn upper(key: &str) -> String {
    key.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase()
}

fn field(key: &str, said: Option<&FieldSpec>, language: Language) -> Field {
    let usual = usual::of(key);
    let kind = said.map_or(usual.kind, |it| it.kind);
    let as_usual = kind == usual.kind;
    let (chars, lines) = if as_usual { usual.size } else { usual::size(kind) };
    let count = |it: u32| usize::try_from(it).unwrap_or(usize::MAX);
    let label = label(key);
    Field {
        key: key.to_owned(),
        kind,
        language,
        query: said.and_then(|it| it.query.as_deref()).or(usual.query).unwrap_or(&label).to_owned(),
        label,
        instructions: said
            .and_then(|it| it.instructions.as_deref())
            .or(usual.instructions.filter(|_| as_usual))
            .map(ToOwned::to_owned),
        chars_max: said.and_then(|it| it.chars_max).map_or(chars, count),
        lines_max: said.and_then(|it| it.lines_max).map_or(lines, count),
        allowed: match said {
            Some(said) => said.allowed.clone(),
            None => usual.allowed.iter().map(|it| (*it).to_owned()).collect(),
        },
        sources_min: said.and_then(|it| it.sources_min).map_or(1, count),
        form: usual.form.filter(|_| as_usual),
    }
}

/// `LETTRE_DE_MOTIVATION` as `Lettre de motivation`.
fn label(key: &str) -> String {
    let words = key.replace('_', " ").to_lowercase();
    let mut letters = words.trim().chars();
    letters.next().map_or_else(String::new, |it| it.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests;
