//! The package that a Word document comes in: a ZIP of parts, whose roles
//! stand in `[Content_Types].xml`.

mod roles;

use std::{
    collections::{HashMap, HashSet},
    io::{Cursor, Read, Write},
};

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8};
use zip::{CompressionMethod, ZipArchive, ZipWriter, result::ZipError, write::SimpleFileOptions};

use roles::{LINKS, Types};

/// Where it stands what the parts are.
const CONTENT_TYPES: &str = "[Content_Types].xml";

/// How many entries at most.
const ENTRIES_MAX: usize = 10_000;

/// How long all entries may be together, unpacked.
const UNPACKED_BYTES_MAX: u128 = 512 * 1024 * 1024;

/// How long the parts may be together that are read, unpacked.
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

/// What a part is for, in the order in which one reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Header,
    Body,
    Footnotes,
    Endnotes,
    Footer,
    Comments,
    /// Diagrams, charts, properties, and whatever else is XML.
    Other,
    /// Where other parts and pages of the web are pointed at.
    Links,
}

impl Role {
    /// Whether it is beside the text that somebody wrote.
    pub(super) fn is_beside(self) -> bool {
        matches!(self, Self::Other | Self::Links)
    }
}

/// What is read of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The text that somebody wrote.
    Text,
    /// All its XML, and that of the packages in it, such as the tables behind
    /// charts.
    Everything,
}

/// A part.
pub(super) struct Part {
    pub(super) role: Role,
    pub(super) name: String,
    pub(super) xml: String,
}

/// A package whose parts have been read.
pub(super) struct Package {
    bytes: Bytes,
    parts: Vec<Part>,
    /// By the names of their entries.
    inside: Vec<(String, Package)>,
}

type Archive = ZipArchive<Cursor<Bytes>>;

/// Whether these bytes begin like a package.
pub(crate) fn is_package(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

impl Package {
    /// Reads a Word document.
    pub(super) fn open(bytes: Bytes, reach: Reach) -> Result<Self, PackageFault> {
        let mut budget = READ_BYTES_MAX;
        let mut package = Self::read(bytes, reach, &mut budget)?;
        if reach == Reach::Everything {
            package.inside = inside(&package.bytes, &mut budget)?;
        }
        if !package.parts.iter().any(|it| it.role == Role::Body) {
            return Err(PackageFault::NotWord);
        }
        Ok(package)
    }

    fn read(bytes: Bytes, reach: Reach, budget: &mut u64) -> Result<Self, PackageFault> {
        let mut archive = ZipArchive::new(Cursor::new(bytes.clone())).map_err(fault)?;
        check_size(&mut archive, bytes.len())?;
        let types = read(&mut archive, CONTENT_TYPES, budget)?.ok_or(PackageFault::NotWord)?;
        let mut types = Types::read(&text_of(&types)?)?;
        if !types.has_body()
            && let Some(links) = read(&mut archive, LINKS, budget)?
        {
            types.find_body(&text_of(&links)?)?;
        }
        let mut roles = types.roles;
        if reach == Reach::Everything {
            let known: HashSet<String> = roles.iter().map(|it| it.0.clone()).collect();
            for name in archive.file_names() {
                let name = name.map_err(fault)?;
                let role = by_name(&name).filter(|_| !known.contains(&*name));
                roles.extend(role.map(|it| (name.into_owned(), it)));
            }
        }
        roles.sort_by(|one, other| one.1.cmp(&other.1).then_with(|| one.0.cmp(&other.0)));
        roles.dedup();
        let mut parts = Vec::with_capacity(roles.len());
        for (name, role) in roles {
            let bytes = read(&mut archive, &name, budget)?.ok_or(PackageFault::Damaged)?;
            let xml = match text_of(&bytes) {
                // Nobody reads it but for placeholders.
                Err(_) if role.is_beside() && !bytes.windows(2).any(|it| it == b"{{") => continue,
                text => text?,
            };
            parts.push(Part { role, name, xml });
        }
        Ok(Self { bytes, parts, inside: Vec::new() })
    }

    /// All parts, in the order in which one reads; those of packages inside of
    /// it come last.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().chain(self.inside.iter().flat_map(|it| &it.1.parts))
    }

    /// The package with other text in those parts that `rewrite` gives one for.
    /// All else is copied as it is.
    pub(super) fn rewritten(
        &self,
        rewrite: &mut dyn FnMut(&Part) -> Result<Option<String>, PackageFault>,
    ) -> Result<Bytes, PackageFault> {
        let mut changed: HashMap<&str, Bytes> = HashMap::new();
        for part in &self.parts {
            if let Some(xml) = rewrite(part)? {
                changed.insert(part.name.as_str(), xml.into());
            }
        }
        for (name, package) in &self.inside {
            let bytes = package.rewritten(rewrite)?;
            if bytes != package.bytes {
                changed.insert(name.as_str(), bytes);
            }
        }
        if changed.is_empty() { Ok(self.bytes.clone()) } else { self.with(&changed) }
    }

    fn with(&self, changed: &HashMap<&str, Bytes>) -> Result<Bytes, PackageFault> {
        let mut archive = ZipArchive::new(Cursor::new(self.bytes.clone())).map_err(fault)?;
        let mut written = ZipWriter::new(Cursor::new(Vec::with_capacity(self.bytes.len())));
        for at in 0..archive.len() {
            let entry = archive.by_index_raw(at).map_err(fault)?;
            let name = entry.name().map_err(fault)?.into_owned();
            let Some(bytes) = changed.get(name.as_str()) else {
                written.raw_copy_file(entry).map_err(fault)?;
                continue;
            };
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .last_modified_time(entry.last_modified().unwrap_or_default());
            written.start_file(name, options).map_err(fault)?;
            written.write_all(bytes).map_err(|_| PackageFault::Damaged)?;
        }
        Ok(written.finish().map_err(fault)?.into_inner().into())
    }
}

/// The packages inside of a package. What cannot be read of them cannot be
/// filled, and stays as it is.
fn inside(bytes: &Bytes, budget: &mut u64) -> Result<Vec<(String, Package)>, PackageFault> {
    let mut archive = ZipArchive::new(Cursor::new(bytes.clone())).map_err(fault)?;
    let mut inside = Vec::new();
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(fault)?;
        let name = entry.name().map_err(fault)?.into_owned();
        let mut head = [0; 4];
        if entry.read_exact(&mut head).is_err() || !is_package(&head) {
            continue;
        }
        drop(entry);
        let Some(bytes) = read(&mut archive, &name, budget)? else { continue };
        // Once is enough: nobody puts a table into a table behind a chart.
        match Package::read(bytes.into(), Reach::Everything, budget) {
            Ok(package) => inside.push((name, package)),
            Err(PackageFault::Bomb) => return Err(PackageFault::Bomb),
            Err(PackageFault::Encrypted | PackageFault::Damaged | PackageFault::NotWord) => {}
        }
    }
    Ok(inside)
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

/// What is in an entry, if there is one of this name.
fn read(
    archive: &mut Archive,
    name: &str,
    budget: &mut u64,
) -> Result<Option<Vec<u8>>, PackageFault> {
    let entry = match archive.by_name(name) {
        Ok(entry) => entry,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(fault(error)),
    };
    let mut bytes = Vec::new();
    let read = entry.take(*budget + 1).read_to_end(&mut bytes);
    *budget = budget.checked_sub(bytes.len() as u64).ok_or(PackageFault::Bomb)?;
    read.map_err(|_| PackageFault::Damaged)?;
    Ok(Some(bytes))
}

/// The text of a part, however its letters were written down.
fn text_of(bytes: &[u8]) -> Result<String, PackageFault> {
    let marked = Encoding::for_bom(bytes).map(|it| it.0);
    let encoding = marked.or_else(|| declared(bytes)).unwrap_or(UTF_8);
    let (text, broken) = encoding.decode_with_bom_removal(bytes);
    if broken {
        return Err(PackageFault::Damaged);
    }
    if encoding == UTF_8 {
        return Ok(text.into_owned());
    }
    // What declares nothing is UTF-8, as which it is written if it is changed.
    let undeclared = text.strip_prefix("<?xml").and_then(|it| it.split_once("?>"));
    Ok(undeclared.map_or(&*text, |it| it.1).to_owned())
}

/// What a part says itself that its letters are written as.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    let (declaration, _) = head.strip_prefix("<?xml")?.split_once("?>")?;
    let (_, rest) = declaration.split_once("encoding=")?;
    let label = rest.get(1..)?.split(['"', '\'']).next()?;
    Encoding::for_label(label.as_bytes())
}

/// What an entry is for by its name.
fn by_name(name: &str) -> Option<Role> {
    let (_, extension) = name.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        _ if name == CONTENT_TYPES => None,
        "xml" | "vml" | "svg" => Some(Role::Other),
        "rels" => Some(Role::Links),
        _ => None,
    }
}

fn fault(error: impl Into<ZipError>) -> PackageFault {
    if let ZipError::InvalidPassword = error.into() {
        return PackageFault::Encrypted;
    }
    PackageFault::Damaged
}
