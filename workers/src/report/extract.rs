//! The text of a source, whatever kind of file it is.
//!
//! What a file is stands in its first bytes. What it is called only tells
//! whether somebody was mistaken. Parsers of others' files are run where they
//! can do no harm: see [`reader`](super::reader).

mod pdf;
mod plain;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    docx::{self, PackageFault},
    reader::{Reader, Unavailable},
};

/// The largest source, in bytes.
pub(super) const SOURCE_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// How much text of one source is used.
pub(super) const TEXT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The text of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extracted {
    pub(super) pages: Vec<Page>,
    /// Whether there was more.
    pub(super) truncated: bool,
    /// How many pages could not be read.
    pub(super) pages_unread: u32,
    /// How many pages at the end were not looked at.
    pub(super) pages_cut: u32,
}

/// What a parser makes of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parsed {
    pub(super) pages: Vec<Page>,
    #[serde(default)]
    pub(super) pages_unread: u32,
    #[serde(default)]
    pub(super) pages_cut: u32,
}

/// The text of a page, or all of it where there are no pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Page {
    /// From 1.
    pub(super) number: Option<u32>,
    pub(super) text: String,
}

/// Why a source cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unreadable {
    #[error("there is no such file any more")]
    Missing,
    #[error("the file is too large to be read")]
    TooLarge,
    #[error("the file is protected by a password")]
    Encrypted,
    #[error("the file is not what its name says")]
    NotWhatItsNameSays,
    #[error("the file is neither PDF, DOCX nor plain text")]
    Unsupported,
    #[error("the file is damaged")]
    Damaged,
    #[error("the file unpacks to far more than it should")]
    ZipBomb,
    #[error("reading the file took too long")]
    TooSlow,
    #[error("the file holds no text; a scan would have to be recognised first")]
    NoText,
    #[error("nothing of the file is used: there is too much text in those before it")]
    NoRoom,
}

impl Unreadable {
    /// For programs. Never changes.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::TooLarge => "too_large",
            Self::Encrypted => "encrypted",
            Self::NotWhatItsNameSays => "not_what_its_name_says",
            Self::Unsupported => "unsupported_format",
            Self::Damaged => "damaged",
            Self::ZipBomb => "zip_bomb",
            Self::TooSlow => "too_slow",
            Self::NoText => "no_text",
            Self::NoRoom => "no_room",
        }
    }
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Pdf,
    Docx,
    Plain,
}

/// The text of a file, which somebody calls `name`. An error is no fault of the
/// file's.
pub(super) async fn extract(
    bytes: Bytes,
    name: Option<&str>,
    reader: &Reader,
) -> Result<Result<Extracted, Unreadable>, Unavailable> {
    let parsed = match accepted(&bytes, name) {
        Err(unreadable) => Err(unreadable),
        Ok(Format::Plain) => parsed(bytes),
        Ok(Format::Pdf | Format::Docx) => reader.parsed(bytes).await?,
    };
    Ok(parsed.and_then(whole))
}

/// What a file is, if it is what its name says.
fn accepted(bytes: &[u8], name: Option<&str>) -> Result<Format, Unreadable> {
    let format = format(bytes)?;
    if name.and_then(promised).is_some_and(|it| it != format) {
        return Err(Unreadable::NotWhatItsNameSays);
    }
    Ok(format)
}

/// What is in a file, by parsers that may not come back.
pub(super) fn parsed(bytes: Bytes) -> Result<Parsed, Unreadable> {
    let whole = |text| Parsed { pages: vec![Page { number: None, text }], ..Parsed::default() };
    Ok(match format(&bytes)? {
        Format::Plain => whole(plain::decoded(&bytes)?),
        Format::Docx => whole(docx::text(bytes)?),
        Format::Pdf => pdf::parsed(&bytes)?,
    })
}

/// What is used of a file, if there is anything.
fn whole(parsed: Parsed) -> Result<Extracted, Unreadable> {
    let extracted = bounded(parsed);
    if !extracted.pages.iter().all(|it| it.text.is_empty()) {
        return Ok(extracted);
    }
    Err(if extracted.pages_unread == 0 { Unreadable::NoText } else { Unreadable::Damaged })
}

/// What the bytes are, by themselves.
fn format(bytes: &[u8]) -> Result<Format, Unreadable> {
    let head = &bytes[..bytes.len().min(1_024)];
    if head.windows(5).any(|it| it == b"%PDF-") {
        return Ok(Format::Pdf);
    }
    if docx::is_package(bytes) {
        return Ok(Format::Docx);
    }
    // Word wraps what it encrypts in the format of its old documents.
    if bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let encrypted = bytes.windows(name.len()).any(|it| it == name);
        return Err(if encrypted { Unreadable::Encrypted } else { Unreadable::Unsupported });
    }
    if plain::is_text(bytes) { Ok(Format::Plain) } else { Err(Unreadable::Unsupported) }
}

/// What a name says that the file is, if it says so.
fn promised(name: &str) -> Option<Format> {
    match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
        "pdf" => Some(Format::Pdf),
        "docx" => Some(Format::Docx),
        "txt" => Some(Format::Plain),
        _ => None,
    }
}

/// As much of the pages as is used, their white space tidied.
fn bounded(Parsed { pages, pages_unread, pages_cut }: Parsed) -> Extracted {
    let (pages_left, truncated) = (Vec::with_capacity(pages.len()), 0 < pages_cut);
    let mut extracted = Extracted { pages: pages_left, truncated, pages_unread, pages_cut };
    let mut left = TEXT_BYTES_MAX;
    for Page { number, text } in pages {
        let mut text = tidied(&text);
        if left < text.len() {
            text.truncate(text.floor_char_boundary(left));
            extracted.truncated = true;
        }
        left -= text.len();
        extracted.pages.push(Page { number, text });
    }
    extracted
}

/// One kind of line end, no more than one empty line, nothing unseen.
fn tidied(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{C}', '\u{2028}', '\u{2029}'], "\n");
    let mut tidied = String::with_capacity(text.len());
    for line in text.lines() {
        let seen = line.chars().filter(|it| !matches!(it, '\u{AD}' | '\u{200B}' | '\u{FEFF}'));
        let line: String = seen.map(|it| if it.is_control() { ' ' } else { it }).collect();
        let line = line.trim_end();
        if !line.is_empty() || !tidied.ends_with("\n\n") {
            tidied.push_str(line);
            tidied.push('\n');
        }
    }
    tidied.trim().to_owned()
}

impl From<PackageFault> for Unreadable {
    fn from(fault: PackageFault) -> Self {
        match fault {
            PackageFault::Bomb => Self::ZipBomb,
            PackageFault::Encrypted => Self::Encrypted,
            PackageFault::Damaged => Self::Damaged,
            PackageFault::NotWord => Self::Unsupported,
        }
    }
}

#[cfg(test)]
mod tests;
