//! The XML of a part, as a walk past what matters: where paragraphs and tables
//! begin and end, the pieces of text in them, and whatever else says something
//! beside them.

use std::{borrow::Cow, ops::Range};

use quick_xml::{
    NsReader,
    escape::unescape,
    events::{BytesStart, Event},
    name::{Namespace, ResolveResult},
};

/// Where text stands in paragraphs, by the two names of each vocabulary: the
/// usual one, and the strict one.
const VOCABULARIES: [(Vocabulary, [&str; 2]); 4] = [
    (
        Vocabulary::Word,
        [
            "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
            "http://purl.oclc.org/ooxml/wordprocessingml/main",
        ],
    ),
    (
        Vocabulary::Drawing,
        [
            "http://schemas.openxmlformats.org/drawingml/2006/main",
            "http://purl.oclc.org/ooxml/drawingml/main",
        ],
    ),
    (
        Vocabulary::Math,
        [
            "http://schemas.openxmlformats.org/officeDocument/2006/math",
            "http://purl.oclc.org/ooxml/officeDocument/math",
        ],
    ),
    (
        Vocabulary::Sheet,
        [
            "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
            "http://purl.oclc.org/ooxml/spreadsheetml/main",
        ],
    ),
];

const COMPATIBILITY: &str = "http://schemas.openxmlformats.org/markup-compatibility/2006";

/// How deep elements may stand in elements.
const DEPTH_MAX: usize = 1_000;

/// Attributes that programs follow or carry out.
const ACTIVE: [&str; 4] = ["Target", "href", "instr", "src"];

/// What the walk comes past.
#[derive(Debug)]
pub(super) enum Step<'a> {
    Open(Mark),
    Close(Mark),
    /// A piece of text.
    Text(Piece<'a>),
    /// Something that is said outside of the text.
    Beside(Beside<'a>),
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

/// Which language of Office something is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vocabulary {
    Word,
    /// Diagrams, charts, and shapes.
    Drawing,
    Math,
    /// The tables behind charts.
    Sheet,
}

/// An element that holds text, such as `w:t`.
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
    pub(super) vocabulary: Vocabulary,
    /// Where the start tag of the run stands that it is in, if it is in one.
    pub(super) run: Option<usize>,
}

/// What an attribute says, or an element that is no text.
#[derive(Debug)]
pub(super) struct Beside<'a> {
    /// Where: a whole start tag, or all that stands between two tags.
    pub(super) at: Range<usize>,
    pub(super) said: Cow<'a, str>,
    pub(super) place: Place,
}

/// Where something is said beside the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Tag,
    Content,
    /// Where programs follow or carry out what is said.
    Active,
}

/// The part is no XML that could be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What an element is to the walk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    Mark(Mark),
    Run,
    Text(Vocabulary),
    /// What a field does.
    Instruction,
    Other,
}

/// Walks past everything in `xml`, in order.
pub(super) fn walk<'a>(xml: &'a str, see: impl FnMut(Step<'a>)) -> Result<(), Malformed> {
    let mut reader = NsReader::from_str(xml);
    let mut walk = Walk { xml, open: Vec::new(), piece: None, content: None, see };
    loop {
        let before = position(&reader)?;
        let (namespace, event) = reader.read_resolved_event().map_err(|_| Malformed)?;
        match event {
            Event::Start(start) => {
                let element = element(&namespace, &start);
                walk.start(element, &start, before..position(&reader)?)?;
            }
            Event::End(_) => walk.end(before)?,
            Event::Empty(empty) => {
                let (element, sign) = (element(&namespace, &empty), sign(&namespace, &empty));
                walk.empty(element, &empty, before..position(&reader)?)?;
                if element == Element::Other && walk.is_in_run() {
                    sign.into_iter().for_each(&mut walk.see);
                }
            }
            Event::Text(text) => walk.say(&text.xml10_content(), before..position(&reader)?),
            Event::CData(text) => walk.say(&text.xml10_content(), before..position(&reader)?),
            Event::GeneralRef(reference) => {
                let at = before..position(&reader)?;
                match reference.resolve_char_ref().map_err(|_| Malformed)? {
                    Some(it) => walk.say(it.encode_utf8(&mut [0; 4]), at),
                    None => walk.say(entity(&reference).ok_or(Malformed)?, at),
                }
            }
            // Word writes none, and what they can declare is a danger.
            Event::DocType(_) => return Err(Malformed),
            Event::Eof => return if walk.open.is_empty() { Ok(()) } else { Err(Malformed) },
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// How far a walk has come.
struct Walk<'a, See> {
    xml: &'a str,
    /// The elements that are open, and where their start tags stand.
    open: Vec<(Element, usize)>,
    piece: Option<Piece<'a>>,
    /// What is said between two tags, outside of the text.
    content: Option<(Range<usize>, String)>,
    see: See,
}

impl<'a, See: FnMut(Step<'a>)> Walk<'a, See> {
    fn start(
        &mut self,
        element: Element,
        start: &BytesStart<'_>,
        tag: Range<usize>,
    ) -> Result<(), Malformed> {
        self.flush();
        self.tag(element, start, tag.clone())?;
        match element {
            Element::Mark(mark) => (self.see)(Step::Open(mark)),
            Element::Text(vocabulary) if self.piece.is_none() => {
                let run = self.open.last().filter(|it| it.0 == Element::Run).map(|it| it.1);
                let (text, end, name) = (String::new(), tag.end, name_of(&self.xml[tag.clone()]));
                let tag = tag.clone();
                self.piece = Some(Piece { text, tag, end, name, vocabulary, run });
            }
            Element::Run | Element::Text(_) | Element::Instruction | Element::Other => {}
        }
        self.open.push((element, tag.start));
        if DEPTH_MAX < self.open.len() { Err(Malformed) } else { Ok(()) }
    }

    fn end(&mut self, at: usize) -> Result<(), Malformed> {
        self.flush();
        match self.open.pop().ok_or(Malformed)?.0 {
            Element::Mark(mark) => (self.see)(Step::Close(mark)),
            Element::Text(_) => {
                if let Some(said) = self.piece.take() {
                    (self.see)(Step::Text(Piece { end: at, ..said }));
                }
            }
            Element::Run | Element::Instruction | Element::Other => {}
        }
        Ok(())
    }

    fn empty(
        &mut self,
        element: Element,
        empty: &BytesStart<'_>,
        tag: Range<usize>,
    ) -> Result<(), Malformed> {
        self.flush();
        self.tag(element, empty, tag)?;
        if let Element::Mark(mark) = element {
            (self.see)(Step::Open(mark));
            (self.see)(Step::Close(mark));
        }
        Ok(())
    }

    /// What the attributes of a tag say.
    fn tag(
        &mut self,
        element: Element,
        start: &BytesStart<'_>,
        at: Range<usize>,
    ) -> Result<(), Malformed> {
        let said = unescape(&self.xml[at.clone()]).map_err(|_| Malformed)?;
        let mut place = Place::Tag;
        if said.contains("{{") {
            // What is written anew with the text in it.
            let is_text = matches!(element, Element::Text(_));
            let mut attributes = start.attributes();
            attributes.with_checks(false);
            let is_active = attributes.flatten().any(|it| {
                ACTIVE.contains(&it.key.local_name().as_ref()) && it.value.contains("{{")
            });
            if is_text || is_active {
                place = Place::Active;
            }
        }
        (self.see)(Step::Beside(Beside { at, said, place }));
        Ok(())
    }

    fn say(&mut self, text: &str, at: Range<usize>) {
        if let Some(piece) = &mut self.piece {
            piece.text.push_str(text);
            return;
        }
        let (range, said) = self.content.get_or_insert_with(|| (at.clone(), String::new()));
        range.end = at.end;
        said.push_str(text);
    }

    /// What was said up to here outside of the text.
    fn flush(&mut self) {
        let Some((at, said)) = self.content.take() else { return };
        if said.trim().is_empty() {
            return;
        }
        let is_active = self.open.last().is_some_and(|it| it.0 == Element::Instruction);
        let place = if is_active { Place::Active } else { Place::Content };
        (self.see)(Step::Beside(Beside { at, said: said.into(), place }));
    }

    fn is_in_run(&self) -> bool {
        self.open.last().is_some_and(|it| it.0 == Element::Run)
    }
}

fn entity(name: &str) -> Option<&'static str> {
    quick_xml::escape::resolve_xml_entity(name)
}

fn position(reader: &NsReader<&[u8]>) -> Result<usize, Malformed> {
    usize::try_from(reader.buffer_position()).map_err(|_| Malformed)
}

/// The name that a start tag begins with.
pub(super) fn name_of(tag: &str) -> &str {
    let name = tag.trim_start_matches('<');
    name.split(|it: char| it.is_whitespace() || it == '>' || it == '/').next().unwrap_or(name)
}

fn element(namespace: &ResolveResult<'_>, start: &BytesStart<'_>) -> Element {
    let local = start.local_name();
    if is_bound_to(namespace, &[COMPATIBILITY]) && local.as_ref() == "Fallback" {
        return Element::Mark(Mark::Fallback);
    }
    let Some(vocabulary) = vocabulary(namespace) else { return Element::Other };
    match (vocabulary, local.as_ref()) {
        (Vocabulary::Word | Vocabulary::Drawing, "p") | (Vocabulary::Sheet, "si" | "is") => {
            Element::Mark(Mark::Paragraph)
        }
        (Vocabulary::Word, "tbl") => Element::Mark(Mark::Table),
        (Vocabulary::Word, "tr") => Element::Mark(Mark::Row),
        (Vocabulary::Word, "tc") => Element::Mark(Mark::Cell),
        (Vocabulary::Word | Vocabulary::Drawing, "r") | (Vocabulary::Drawing, "fld") => {
            Element::Run
        }
        (_, "t") => Element::Text(vocabulary),
        (Vocabulary::Word, "instrText" | "delInstrText") => Element::Instruction,
        _ => Element::Other,
    }
}

fn vocabulary(namespace: &ResolveResult<'_>) -> Option<Vocabulary> {
    VOCABULARIES.iter().find(|it| is_bound_to(namespace, &it.1)).map(|it| it.0)
}

fn is_bound_to(namespace: &ResolveResult<'_>, names: &[&str]) -> bool {
    matches!(namespace, ResolveResult::Bound(Namespace(it)) if names.contains(it))
}

/// What an empty element in a run stands for.
fn sign<'a>(namespace: &ResolveResult<'_>, empty: &BytesStart<'_>) -> Option<Step<'a>> {
    if vocabulary(namespace) != Some(Vocabulary::Word) {
        return None;
    }
    match empty.local_name().as_ref() {
        "br" | "cr" => Some(Step::Break),
        "tab" => Some(Step::Tab),
        "noBreakHyphen" => Some(Step::Hyphen),
        _ => None,
    }
}
