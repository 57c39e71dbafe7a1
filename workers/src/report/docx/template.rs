//! A Word document with placeholders, and what it becomes when they are
//! filled.
//!
//! Word cuts text into runs as it likes, so a placeholder is looked for in
//! what a paragraph says, not in its pieces. The value goes where the
//! placeholder begins, and looks like what stood there; the rest of the
//! placeholder is taken out of the pieces that it reached into.

use std::{collections::HashMap, ops::Range};

use bytes::Bytes;
use quick_xml::escape::escape;

use super::{
    package::{Package, PackageFault},
    paragraph::{Paragraph, paragraphs},
    wordml::Piece,
};

/// Why a template cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateFault {
    #[error(transparent)]
    Package(#[from] PackageFault),
    #[error("there is no placeholder in it")]
    NoPlaceholder,
    #[error("a placeholder in `{part}` is never closed")]
    Unclosed { part: String },
}

/// A Word document with placeholders.
pub(crate) struct Template {
    package: Package,
    keys: Vec<String>,
    own: String,
}

/// A placeholder in a text.
#[derive(Debug, PartialEq, Eq)]
struct Placeholder {
    at: Range<usize>,
    key: String,
}

impl Template {
    /// Reads it, and refuses what could not be filled.
    pub(crate) fn open(bytes: Bytes) -> Result<Self, TemplateFault> {
        let package = Package::open(bytes)?;
        let mut keys: Vec<String> = Vec::new();
        let mut own = String::new();
        for part in &package.parts {
            for paragraph in paragraphs(&part.xml).map_err(|_| PackageFault::Damaged)? {
                let found = placeholders(&paragraph.text);
                let left = without(&paragraph.text, &found);
                if left.contains("{{") {
                    return Err(TemplateFault::Unclosed { part: part.name.clone() });
                }
                own.push_str(&left);
                own.push('\n');
                for placeholder in found {
                    let folded = placeholder.key.to_uppercase();
                    if !keys.iter().any(|it| it.to_uppercase() == folded) {
                        keys.push(placeholder.key);
                    }
                }
            }
        }
        if keys.is_empty() {
            return Err(TemplateFault::NoPlaceholder);
        }
        Ok(Self { package, keys, own })
    }

    /// The fields, in the order in which one comes past them; each once,
    /// whatever its case.
    pub(crate) fn keys(&self) -> &[String] {
        &self.keys
    }

    /// What it says itself, placeholders aside.
    pub(crate) fn own(&self) -> &str {
        &self.own
    }

    /// The document with these values, by keys in upper case. A field without
    /// one is left empty.
    pub(crate) fn fill(&self, values: &HashMap<String, String>) -> Result<Vec<u8>, TemplateFault> {
        let mut changed = HashMap::new();
        for part in &self.package.parts {
            let mut edits = Vec::new();
            for paragraph in paragraphs(&part.xml).map_err(|_| PackageFault::Damaged)? {
                edits.extend(edits_of(&part.xml, &paragraph, values));
            }
            if !edits.is_empty() {
                changed.insert(part.name.as_str(), applied(&part.xml, edits));
            }
        }
        Ok(self.package.with(&changed)?)
    }
}

/// Everything that a document says, all its parts, a paragraph a line.
pub(crate) fn said(bytes: Bytes) -> Result<String, PackageFault> {
    let mut said = String::new();
    for part in &Package::open(bytes)?.parts {
        for paragraph in paragraphs(&part.xml).map_err(|_| PackageFault::Damaged)? {
            said.push_str(&paragraph.text);
            said.push('\n');
        }
    }
    Ok(said)
}

/// A place in the XML of a part, and what is to stand there.
type Edit = (Range<usize>, String);

/// What changes in a paragraph: its pieces that a placeholder reaches into.
fn edits_of(xml: &str, paragraph: &Paragraph<'_>, values: &HashMap<String, String>) -> Vec<Edit> {
    let found = placeholders(&paragraph.text);
    if found.is_empty() {
        return Vec::new();
    }
    let mut edits = Vec::new();
    for (at, piece) in &paragraph.pieces {
        let touching =
            found.iter().filter(|it| it.at.start < at.end && at.start < it.at.end).peekable();
        let mut touching = touching;
        if touching.peek().is_none() {
            continue;
        }
        let (mut text, mut from) = (String::new(), at.start);
        for placeholder in touching {
            text.push_str(&paragraph.text[from..placeholder.at.start.max(from)]);
            if at.contains(&placeholder.at.start) {
                let value = values.get(&placeholder.key.to_uppercase());
                text.push_str(value.map(String::as_str).unwrap_or_default());
            }
            from = placeholder.at.end.min(at.end);
        }
        text.push_str(&paragraph.text[from..at.end]);
        edits.push((piece.tag.start..piece.end, written(&xml[piece.tag.clone()], piece, &text)));
    }
    edits
}

/// A piece with another text, up to its end tag. Lines and tabs are elements
/// of their own.
fn written(tag: &str, piece: &Piece<'_>, text: &str) -> String {
    let prefix = piece.name.strip_suffix('t').unwrap_or_default();
    let tag = match tag.strip_suffix('>') {
        Some(open) if !tag.contains("xml:space") => format!("{open} xml:space=\"preserve\">"),
        _ => tag.to_owned(),
    };
    let mut written = tag.clone();
    for part in text.split_inclusive(['\n', '\t']) {
        let sign = part.chars().last().filter(|it| matches!(it, '\n' | '\t'));
        let plain: String = part.chars().filter(|it| is_writable(*it)).collect();
        written.push_str(&escape(&plain));
        if let Some(sign) = sign {
            let element = if sign == '\n' { "br" } else { "tab" };
            let (opened, closed) = (format!("<{prefix}{element}/>"), format!("</{}>", piece.name));
            written.extend([closed.as_str(), &opened, &tag]);
        }
    }
    written
}

/// What XML can hold, line ends and tabs aside.
fn is_writable(it: char) -> bool {
    !it.is_control() && !matches!(it, '\u{FFFE}' | '\u{FFFF}')
}

fn applied(xml: &str, mut edits: Vec<Edit>) -> String {
    // A text box is inside the paragraph that it hangs on.
    edits.sort_by_key(|it| it.0.start);
    let (mut applied, mut from) = (String::with_capacity(xml.len()), 0);
    for (at, text) in edits {
        applied.push_str(&xml[from..at.start]);
        applied.push_str(&text);
        from = at.end;
    }
    applied.push_str(&xml[from..]);
    applied
}

/// The placeholders in a text: two braces, a key without braces, two braces.
fn placeholders(text: &str) -> Vec<Placeholder> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(start) = text[from..].find("{{").map(|it| from + it) {
        let inside = &text[start + 2..];
        let end = inside.find(['{', '}']).unwrap_or(inside.len());
        let key = inside[..end].split_whitespace().collect::<Vec<_>>().join(" ");
        if key.is_empty() || !inside[end..].starts_with("}}") {
            from = start + 1;
            continue;
        }
        let at = start..start + 2 + end + 2;
        from = at.end;
        found.push(Placeholder { at, key });
    }
    found
}

fn without(text: &str, placeholders: &[Placeholder]) -> String {
    let (mut left, mut from) = (String::new(), 0);
    for placeholder in placeholders {
        left.push_str(&text[from..placeholder.at.start]);
        from = placeholder.at.end;
    }
    left.push_str(&text[from..]);
    left
}

#[cfg(test)]
mod tests;
