//! A Word document with placeholders, and what it becomes when they are
//! filled.
//!
//! Word cuts text into runs as it likes, so a placeholder is looked for in
//! what a paragraph says, not in its pieces. The value goes where the
//! placeholder begins, and looks like what stood there; the rest of the
//! placeholder is taken out of the pieces that it reached into.
//!
//! Diagrams, charts with the tables behind them, descriptions of pictures and
//! properties of the document are filled too: no part is left out.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use bytes::Bytes;
use domain::report::traces;
use quick_xml::escape::{escape, unescape};

use super::{
    package::{Package, PackageFault, Part, Reach, Role},
    paragraph::{Paragraph, Said, said as said_in},
    wordml::{Beside, Piece, Place, Vocabulary, name_of},
};

/// How many fields a template has at most.
pub(crate) const FIELDS_MAX: usize = 2_000;

/// Why a template cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateFault {
    #[error(transparent)]
    Package(#[from] PackageFault),
    #[error("there is no placeholder in it")]
    NoPlaceholder,
    #[error("it has more than {FIELDS_MAX} fields")]
    TooManyFields,
    #[error("a placeholder in `{part}` is never closed")]
    Unclosed { part: String },
    #[error(
        "a placeholder in `{part}` stands where none is filled: in the target of a link, or in \
         the code of a field"
    )]
    Misplaced { part: String },
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
        let package = Package::open(bytes, Reach::Everything)?;
        let (mut keys, mut own) = (Vec::<String>::new(), String::new());
        let mut known = HashSet::new();
        for part in package.parts() {
            let said = said_by(part)?;
            let fillable = |it: &Beside<'_>| it.place != Place::Active && part.role != Role::Links;
            let texts = said.paragraphs.iter().map(|it| (&*it.text, true));
            let beside = said.beside.iter().map(|it| (&*it.said, fillable(it)));
            for (text, fillable) in texts.chain(beside) {
                let found = placeholders(text);
                let left = without(text, &found);
                if !fillable && text.contains("{{") {
                    return Err(TemplateFault::Misplaced { part: part.name.clone() });
                }
                if left.contains("{{") {
                    return Err(TemplateFault::Unclosed { part: part.name.clone() });
                }
                own.push_str(&left);
                own.push('\n');
                for placeholder in found {
                    if known.insert(placeholder.key.to_uppercase()) {
                        keys.push(placeholder.key);
                    }
                    if FIELDS_MAX < keys.len() {
                        return Err(TemplateFault::TooManyFields);
                    }
                }
            }
            // As a link is written that somebody has typed braces into.
            if part.role == Role::Links && part.xml.to_ascii_lowercase().contains("%7b%7b") {
                return Err(TemplateFault::Misplaced { part: part.name.clone() });
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
    pub(crate) fn fill(&self, values: &HashMap<String, String>) -> Result<Bytes, TemplateFault> {
        let document = self.package.rewritten(&mut |part| {
            let (said, mut edits) = (said_by(part)?, Vec::new());
            for paragraph in &said.paragraphs {
                edits.extend(edits_of(&part.xml, paragraph, values));
            }
            for beside in &said.beside {
                edits.extend(edits_beside(&part.xml, beside, values));
            }
            Ok((!edits.is_empty()).then(|| applied(&part.xml, edits)))
        });
        Ok(document?)
    }
}

/// Everything that a document says, all its parts, a paragraph a line; and
/// what is said beside the text that may not stand in a document.
pub(crate) fn said(bytes: Bytes) -> Result<String, PackageFault> {
    let mut text = String::new();
    for part in Package::open(bytes, Reach::Everything)?.parts() {
        let said = said_by(part)?;
        let beside = said.beside.iter().map(|it| &*it.said);
        for line in said.paragraphs.iter().map(|it| &*it.text).chain(beside) {
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(text)
}

/// What a part says. One beside the text that is no XML says what it holds, and
/// cannot be filled.
fn said_by(part: &Part) -> Result<Said<'_>, PackageFault> {
    let minded = |said: &str| traces(said).next().is_some();
    match said_in(&part.xml, minded) {
        Ok(said) => Ok(said),
        Err(_) if part.role.is_beside() => {
            let whole = Beside {
                at: 0..part.xml.len(),
                said: part.xml.as_str().into(),
                place: Place::Active,
            };
            let beside = part.xml.contains("{{").then_some(whole).into_iter().collect();
            Ok(Said { paragraphs: Vec::new(), beside })
        }
        Err(_) => Err(PackageFault::Damaged),
    }
}

/// A place in the XML of a part, and what is to stand there.
type Edit = (Range<usize>, String);

/// What changes in a paragraph: its pieces that a placeholder reaches into.
fn edits_of(xml: &str, paragraph: &Paragraph<'_>, values: &HashMap<String, String>) -> Vec<Edit> {
    let found = placeholders(&paragraph.text);
    if found.is_empty() {
        return Vec::new();
    }
    // Both are in the order of the text, and there may be very many of both.
    let (mut edits, mut ahead) = (Vec::new(), found.as_slice());
    for (at, piece) in &paragraph.pieces {
        while let [first, rest @ ..] = ahead
            && first.at.end <= at.start
        {
            ahead = rest;
        }
        let mut touching = ahead.iter().take_while(|it| it.at.start < at.end).peekable();
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
        edits.push((piece.tag.start..piece.end, written(xml, piece, &text)));
    }
    edits
}

/// What changes beside the text.
fn edits_beside(xml: &str, beside: &Beside<'_>, values: &HashMap<String, String>) -> Vec<Edit> {
    let value = |key: &str| values.get(&key.to_uppercase()).map(String::as_str).unwrap_or_default();
    match beside.place {
        Place::Content => {
            let found = placeholders(&beside.said);
            if found.is_empty() {
                return Vec::new();
            }
            let (mut text, mut from) = (String::new(), 0);
            for placeholder in found {
                text.push_str(&beside.said[from..placeholder.at.start]);
                text.push_str(value(&placeholder.key));
                from = placeholder.at.end;
            }
            text.push_str(&beside.said[from..]);
            vec![(beside.at.clone(), plain(&text, |it| matches!(it, '\n' | '\t')))]
        }
        Place::Tag => {
            let found = placeholders(&xml[beside.at.clone()]).into_iter();
            let edit = |it: Placeholder| {
                let at = beside.at.start + it.at.start..beside.at.start + it.at.end;
                let key = unescape(&it.key).unwrap_or_default();
                (at, plain(&value(&key).replace(['\n', '\t'], " "), |_| false))
            };
            found.map(edit).collect()
        }
        Place::Active => Vec::new(),
    }
}

/// A piece with another text, up to its end tag.
fn written(xml: &str, piece: &Piece<'_>, text: &str) -> String {
    let tag = &xml[piece.tag.clone()];
    let (prefix, name) = (piece.name.strip_suffix('t').unwrap_or_default(), piece.name);
    let spaced = match tag.strip_suffix('>') {
        Some(open) if !tag.contains("xml:space") => format!("{open} xml:space=\"preserve\">"),
        _ => tag.to_owned(),
    };
    let (tag, line, tab) = match piece.vocabulary {
        // Lines and tabs are elements of their own.
        Vocabulary::Word => {
            let sign = |sign: &str| format!("</{name}><{prefix}{sign}/>{spaced}");
            (spaced.clone(), sign("br"), sign("tab"))
        }
        // A line ends between two runs. Its text has no attributes.
        Vocabulary::Drawing => {
            let line = piece.run.map(|run| {
                let opened = &xml[run..piece.tag.end];
                let run = name_of(opened);
                format!("</{name}></{run}><{prefix}br/>{opened}")
            });
            (tag.to_owned(), line.unwrap_or_else(|| " ".to_owned()), "\t".to_owned())
        }
        Vocabulary::Math => (spaced, " ".to_owned(), " ".to_owned()),
        Vocabulary::Sheet => (spaced, "\n".to_owned(), "\t".to_owned()),
    };
    let mut written = tag;
    for part in text.split_inclusive(['\n', '\t']) {
        written.push_str(&plain(part, |_| false));
        match part.chars().last() {
            Some('\n') => written.push_str(&line),
            Some('\t') => written.push_str(&tab),
            _ => {}
        }
    }
    written
}

/// A text as XML can hold it, with those signs that are not written otherwise.
fn plain(text: &str, and: fn(char) -> bool) -> String {
    let plain: String = text.chars().filter(|it| is_writable(*it) || and(*it)).collect();
    escape(&plain).into_owned()
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
        // Inside of what has been written anew: no document has such a thing.
        if at.start < from {
            continue;
        }
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
