//! What a writer said, made fit for a document: plain text, of the length that
//! the field has, without traces of its making.

use domain::report::{Trace, traces};

use super::{fields::Field, words};

/// How a writer says that it knows nothing.
pub(super) const NOTHING: &str = "__VIDE__";

/// Why what a writer said cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is data for programs, or marked up.
    Markup,
    /// It holds what no document may.
    Trace(Trace),
    /// A line is full of labels.
    Labels,
}

/// The text that a writer meant, without what it was wrapped in; empty if it
/// said that it knows nothing.
pub(super) fn unwrapped(said: &str, field: &Field) -> String {
    let text = unfenced(said.trim());
    let text = unlabelled(text, field).trim();
    let text = text.trim_matches(['"', '«', '»', '“', '”']).trim();
    if text.contains(NOTHING) || words::same(text, "vide") {
        return String::new();
    }
    text.lines().map(str::trim).filter(|it| !it.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Whether a text may stand in a document.
pub(super) fn check(text: &str) -> Result<(), Unfit> {
    if let Some((trace, _)) = traces(text).next() {
        return Err(Unfit::Trace(trace));
    }
    if text.contains("}}") {
        return Err(Unfit::Trace(Trace::Placeholder));
    }
    if text.lines().any(is_markup) {
        return Err(Unfit::Markup);
    }
    if text.lines().any(|it| 1 < labels(it)) {
        return Err(Unfit::Labels);
    }
    Ok(())
}

/// As many lines, then as many characters, as the field has room for.
pub(super) fn fitted(text: &str, field: &Field) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut fitted = lines[..lines.len().min(field.lines_max)].join("\n");
    if lines.len() <= field.lines_max && fitted.chars().count() <= field.chars_max {
        return fitted;
    }
    let room = field.chars_max.saturating_sub(1);
    if let Some((end, _)) = fitted.char_indices().nth(room) {
        fitted.truncate(end);
    }
    let end =
        fitted.trim_end_matches(|it: char| it.is_whitespace() || matches!(it, ',' | ';')).len();
    fitted.truncate(end);
    fitted.push('…');
    fitted
}

/// The allowed value that a text names, however it writes it.
pub(super) fn allowed<'a>(text: &str, field: &'a Field) -> Option<&'a str> {
    let text = text.trim_end_matches('.');
    field.allowed.iter().find(|it| words::same(it, text)).map(String::as_str)
}

/// What is inside a fence, or follows the name of a format.
fn unfenced(text: &str) -> &str {
    let inside = text.strip_prefix("```").map(|it| {
        let body = it.split_once('\n').map_or(it, |(_, body)| body);
        body.trim_end().strip_suffix("```").unwrap_or(body)
    });
    let text = inside.unwrap_or(text).trim();
    match text.get(..5) {
        Some(name) if name.eq_ignore_ascii_case("json:") => text[5..].trim_start(),
        _ => text,
    }
}

/// A text without the label of its field in front.
fn unlabelled<'a>(text: &'a str, field: &Field) -> &'a str {
    match text.split_once(':') {
        Some((label, rest)) if is_prose(label) && words::same(label, &field.label) => rest,
        _ => text,
    }
}

/// Letters, and what stands between words: the name of a field in data is not
/// its label.
fn is_prose(text: &str) -> bool {
    text.chars().all(|it| it.is_alphanumeric() || matches!(it, ' ' | '\u{A0}' | '_' | '-' | '\''))
}

fn is_markup(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('#')
        || line.starts_with("```")
        || line.starts_with("* ")
        || line.contains("**")
        || line.contains("__")
        || (line.starts_with('|') && line.ends_with('|'))
}

/// How many labels a line has: colons, those of times and addresses aside.
fn labels(line: &str) -> usize {
    let followed = line.match_indices(':').filter(|(at, _)| {
        let rest = &line[at + 1..];
        rest.is_empty() || rest.starts_with(char::is_whitespace)
    });
    followed.count()
}

#[cfg(test)]
mod tests;
