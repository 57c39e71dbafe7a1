//! The package that a Word document comes in: a ZIP of parts, whose roles
//! stand in `[Content_Types].xml`.

use std::{
    collections::HashMap,
    io::{Cursor, Read, Write},
};

use bytes::Bytes;
use quick_xml::{Reader, events::Event};
use zip::{CompressionMethod, ZipArchive, ZipWriter, result::ZipError, write::SimpleFileOptions};

/// How many entries at most.
const ENTRIES_MAX: usize = 10_000;

/// How long all entries may be together, unpacked.
const UNPACKED_BYTES_MAX: u128 = 512 * 1024 * 1024;

/// How long the parts with text may be together, unpacked: these are read.
const READ_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What is longer than [`RATIO_FROM`] unpacked may not have been packed more
/// tightly than this.
const RATIO_MAX: u128 = 200;

/// Below this, how tightly something was packed says nothing.
const RATIO_FROM: u128 = 8 * 1024 * 1024;

/// Why a package cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PackageFault {
    #[error("it unpacks to far more than it should")]
    Bomb,
    #[error("it is protected by a password")]
    Encrypted,
    #[error("it is damaged")]
    Damaged,
    #[error("it is no Word document")]
    NotWord,
}

/// What a part with text is for, in the order in which one reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Header,
    Body,
    Footnotes,
    Endnotes,
    Footer,
    Comments,
}

/// A part with text.
pub(super) struct Part {
    pub(super) role: Role,
    pub(super) name: String,
    pub(super) xml: String,
}

/// A package whose parts with text have been read.
pub(super) struct Package {
    bytes: Bytes,
    pub(super) parts: Vec<Part>,
}

type Archive = ZipArchive<Cursor<Bytes>>;

/// Whether these bytes begin like a package.
pub(crate) fn is_package(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

impl Package {
    pub(super) fn open(bytes: Bytes) -> Result<Self, PackageFault> {
        let mut archive = ZipArchive::new(Cursor::new(bytes.clone())).map_err(fault)?;
        check_size(&mut archive, bytes.len())?;
        let mut budget = READ_BYTES_MAX;
        let types = read(&mut archive, "[Content_Types].xml", &mut budget)?;
        let mut roles = roles(&types.ok_or(PackageFault::NotWord)?)?;
        if !roles.iter().any(|it| it.1 == Role::Body) {
            return Err(PackageFault::NotWord);
        }
        roles.sort_by(|one, other| one.1.cmp(&other.1).then_with(|| one.0.cmp(&other.0)));
        roles.dedup();
        let mut parts = Vec::with_capacity(roles.len());
        for (name, role) in roles {
            let xml = read(&mut archive, &name, &mut budget)?.ok_or(PackageFault::Damaged)?;
            parts.push(Part { role, name, xml });
        }
        Ok(Self { bytes, parts })
    }

    /// The package with other text in these parts. All else is copied as it is.
    pub(super) fn with(&self, changed: &HashMap<&str, String>) -> Result<Vec<u8>, PackageFault> {
        let mut archive = ZipArchive::new(Cursor::new(self.bytes.clone())).map_err(fault)?;
        let mut written = ZipWriter::new(Cursor::new(Vec::with_capacity(self.bytes.len())));
        for at in 0..archive.len() {
            let entry = archive.by_index_raw(at).map_err(fault)?;
            let name = entry.name().map_err(fault)?.into_owned();
            let Some(xml) = changed.get(name.as_str()) else {
                written.raw_copy_file(entry).map_err(fault)?;
                continue;
            };
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .last_modified_time(entry.last_modified().unwrap_or_default());
            written.start_file(name, options).map_err(fault)?;
            written.write_all(xml.as_bytes()).map_err(|_| PackageFault::Damaged)?;
        }
        Ok(written.finish().map_err(fault)?.into_inner())
    }
}

/// Looks at what the entries say of themselves; what they say is checked again
/// where they are read.
fn check_size(archive: &mut Archive, packed: usize) -> Result<(), PackageFault> {
    if ENTRIES_MAX < archive.len() || archive.has_overlapping_files().map_err(fault)? {
        return Err(PackageFault::Bomb);
    }
    let mut unpacked = 0_u128;
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at).map_err(fault)?;
        if entry.encrypted() {
            return Err(PackageFault::Encrypted);
        }
        unpacked += u128::from(entry.size());
    }
    let tight = RATIO_FROM < unpacked && RATIO_MAX * (packed as u128) < unpacked;
    if tight || UNPACKED_BYTES_MAX < unpacked {
        return Err(PackageFault::Bomb);
    }
    Ok(())
}

/// An entry as text, if there is one of this name.
fn read(
    archive: &mut Archive,
    name: &str,
    budget: &mut u64,
) -> Result<Option<String>, PackageFault> {
    let entry = match archive.by_name(name) {
        Ok(entry) => entry,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(fault(error)),
    };
    let mut text = String::new();
    let read = entry.take(*budget + 1).read_to_string(&mut text);
    *budget = budget.checked_sub(text.len() as u64).ok_or(PackageFault::Bomb)?;
    read.map_err(|_| PackageFault::Damaged)?;
    // A mark that says what every part is anyway.
    Ok(Some(text.strip_prefix('\u{FEFF}').map(ToOwned::to_owned).unwrap_or(text)))
}

/// Which parts have text, by what they are for.
fn roles(types: &str) -> Result<Vec<(String, Role)>, PackageFault> {
    let mut roles = Vec::new();
    let mut reader = Reader::from_str(types);
    loop {
        let element = match reader.read_event().map_err(|_| PackageFault::Damaged)? {
            Event::Start(element) | Event::Empty(element) => element,
            Event::Eof => return Ok(roles),
            Event::End(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => continue,
        };
        let value = |name| {
            let found = element.try_get_attribute(name).map_err(|_| PackageFault::Damaged)?;
            Ok(found.map(|it| it.value.into_owned()))
        };
        let (part, content_type) = (value("PartName")?, value("ContentType")?);
        let role = content_type.as_deref().and_then(role);
        if let (Some(part), Some(role)) = (part, role) {
            roles.push((part.trim_start_matches('/').to_owned(), role));
        }
    }
}

fn role(content_type: &str) -> Option<Role> {
    let word = content_type.strip_prefix("application/vnd.openxmlformats-officedocument.");
    let kind = word.and_then(|it| it.strip_prefix("wordprocessingml."));
    match kind.and_then(|it| it.strip_suffix("+xml"))? {
        "document.main" => Some(Role::Body),
        "header" => Some(Role::Header),
        "footer" => Some(Role::Footer),
        "footnotes" => Some(Role::Footnotes),
        "endnotes" => Some(Role::Endnotes),
        "comments" => Some(Role::Comments),
        _ => None,
    }
}

fn fault(error: impl Into<ZipError>) -> PackageFault {
    if let ZipError::InvalidPassword = error.into() {
        return PackageFault::Encrypted;
    }
    PackageFault::Damaged
}
