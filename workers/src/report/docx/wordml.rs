//! The XML of a part with text, as a walk past what matters: where paragraphs
//! and tables begin and end, and the pieces of text in them.

use std::ops::Range;

use quick_xml::{
    NsReader,
    events::{BytesStart, Event},
    name::{Namespace, ResolveResult},
};

/// The two names of the vocabulary: the usual one, and the strict one.
const WORD: [&str; 2] = [
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
];

const COMPATIBILITY: &str = "http://schemas.openxmlformats.org/markup-compatibility/2006";

/// How deep elements may stand in elements.
const DEPTH_MAX: usize = 1_000;

/// What the walk comes past.
#[derive(Debug)]
pub(super) enum Step<'a> {
    Open(Mark),
    Close(Mark),
    /// A piece of text.
    Text(Piece<'a>),
    /// A line or a page ends here.
    Break,
    Tab,
    Hyphen,
}

/// What has a beginning and an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Paragraph,
    Table,
    Row,
    Cell,
    /// What is to be shown by programs too old for what stands beside it.
    Fallback,
}

/// A `w:t` element.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    /// What it says.
    pub(super) text: String,
    /// Where its start tag stands.
    pub(super) tag: Range<usize>,
    /// Where what it says ends, and its end tag begins.
    pub(super) end: usize,
    /// Its name, prefix included.
    pub(super) name: &'a str,
}

/// The part is no XML that could be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What an element is to the walk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    Mark(Mark),
    Run,
    Text,
    Other,
}

/// Walks past everything in `xml`, in order.
pub(super) fn walk<'a>(xml: &'a str, mut see: impl FnMut(Step<'a>)) -> Result<(), Malformed> {
    let mut reader = NsReader::from_str(xml);
    let mut open: Vec<Element> = Vec::new();
    let mut piece: Option<Piece<'a>> = None;
    loop {
        let before = position(&reader)?;
        let (namespace, event) = reader.read_resolved_event().map_err(|_| Malformed)?;
        match event {
            Event::Start(start) => {
                let element = element(&namespace, &start);
                let tag = before..position(&reader)?;
                match element {
                    Element::Mark(mark) => see(Step::Open(mark)),
                    Element::Text if piece.is_none() => {
                        let name = name(&xml[tag.clone()]);
                        piece = Some(Piece { text: String::new(), end: tag.end, tag, name });
                    }
                    Element::Run | Element::Text | Element::Other => {}
                }
                open.push(element);
                if DEPTH_MAX < open.len() {
                    return Err(Malformed);
                }
            }
            Event::End(_) => match open.pop().ok_or(Malformed)? {
                Element::Mark(mark) => see(Step::Close(mark)),
                Element::Text => {
                    if let Some(said) = piece.take() {
                        see(Step::Text(Piece { end: before, ..said }));
                    }
                }
                Element::Run | Element::Other => {}
            },
            Event::Empty(empty) => match element(&namespace, &empty) {
                Element::Mark(mark) => {
                    see(Step::Open(mark));
                    see(Step::Close(mark));
                }
                Element::Other if open.last() == Some(&Element::Run) => {
                    sign(&namespace, &empty).into_iter().for_each(&mut see);
                }
                Element::Run | Element::Text | Element::Other => {}
            },
            Event::Text(text) => say(&mut piece, &text.xml10_content()),
            Event::CData(text) => say(&mut piece, &text.xml10_content()),
            Event::GeneralRef(reference) => {
                let number = reference.resolve_char_ref().map_err(|_| Malformed)?;
                match number {
                    Some(it) => say(&mut piece, it.encode_utf8(&mut [0; 4])),
                    None => say(&mut piece, entity(&reference).ok_or(Malformed)?),
                }
            }
            // Word writes none, and what they can declare is a danger.
            Event::DocType(_) => return Err(Malformed),
            Event::Eof => return if open.is_empty() { Ok(()) } else { Err(Malformed) },
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

fn say(piece: &mut Option<Piece<'_>>, text: &str) {
    if let Some(piece) = piece {
        piece.text.push_str(text);
    }
}

fn entity(name: &str) -> Option<&'static str> {
    quick_xml::escape::resolve_xml_entity(name)
}

fn position(reader: &NsReader<&[u8]>) -> Result<usize, Malformed> {
    usize::try_from(reader.buffer_position()).map_err(|_| Malformed)
}

/// The name that a start tag begins with.
fn name(tag: &str) -> &str {
    let name = tag.trim_start_matches('<');
    name.split(|it: char| it.is_whitespace() || it == '>' || it == '/').next().unwrap_or(name)
}

fn element(namespace: &ResolveResult<'_>, start: &BytesStart<'_>) -> Element {
    let ResolveResult::Bound(Namespace(namespace)) = namespace else { return Element::Other };
    let local = start.local_name();
    if *namespace == COMPATIBILITY && local.as_ref() == "Fallback" {
        return Element::Mark(Mark::Fallback);
    }
    if !WORD.contains(namespace) {
        return Element::Other;
    }
    match local.as_ref() {
        "p" => Element::Mark(Mark::Paragraph),
        "tbl" => Element::Mark(Mark::Table),
        "tr" => Element::Mark(Mark::Row),
        "tc" => Element::Mark(Mark::Cell),
        "r" => Element::Run,
        "t" => Element::Text,
        _ => Element::Other,
    }
}

/// What an empty element in a run stands for.
fn sign<'a>(namespace: &ResolveResult<'_>, empty: &BytesStart<'_>) -> Option<Step<'a>> {
    let ResolveResult::Bound(Namespace(namespace)) = namespace else { return None };
    if !WORD.contains(namespace) {
        return None;
    }
    match empty.local_name().as_ref() {
        "br" | "cr" => Some(Step::Break),
        "tab" => Some(Step::Tab),
        "noBreakHyphen" => Some(Step::Hyphen),
        _ => None,
    }
}
