//! Which parts of a package hold the text that somebody wrote: by what the
//! package says that they are, never by what they are called.

use std::collections::{HashMap, HashSet};

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{PackageFault, Role};

/// Where it stands which part the package is about.
pub(super) const LINKS: &str = "_rels/.rels";

/// What points at the part that the package is about, by its two names: the
/// usual one, and the strict one.
const ABOUT: [&str; 2] = [
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument",
    "http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument",
];

/// What a package says that its parts are.
#[derive(Default)]
pub(super) struct Types {
    /// Parts with text of which it is said by name.
    pub(super) roles: Vec<(String, Role)>,
    /// All parts of which it is said by name what they are.
    named: HashSet<String>,
    /// What all others are, by how their names end.
    usual: HashMap<String, Role>,
}

impl Types {
    pub(super) fn read(xml: &str) -> Result<Self, PackageFault> {
        let mut types = Self::default();
        elements(xml, |element| {
            let (part, extension) = (value(element, "PartName")?, value(element, "Extension")?);
            let role = value(element, "ContentType")?.as_deref().and_then(role);
            if let Some(part) = part {
                let part = part.trim_start_matches('/').to_owned();
                types.roles.extend(role.map(|it| (part.clone(), it)));
                types.named.insert(part);
            } else if let (Some(extension), Some(role)) = (extension, role) {
                types.usual.insert(extension.to_ascii_lowercase(), role);
            }
            Ok(())
        })?;
        Ok(types)
    }

    /// Whether it is said by name which part is the body.
    pub(super) fn has_body(&self) -> bool {
        self.roles.iter().any(|it| it.1 == Role::Body)
    }

    /// Takes for the body what the package is about, if that is what a part of
    /// such a name is: Microsoft's Open XML SDK says it in no other way.
    pub(super) fn find_body(&mut self, links: &str) -> Result<(), PackageFault> {
        let mut about = None;
        elements(links, |element| {
            let kind = value(element, "Type")?;
            let outside = value(element, "TargetMode")?.is_some_and(|it| it == "External");
            if !outside && kind.is_some_and(|it| ABOUT.contains(&it.as_str())) {
                about = value(element, "Target")?;
            }
            Ok(())
        })?;
        let Some(about) = about else { return Ok(()) };
        let part = about.trim_start_matches("./").trim_start_matches('/');
        let extension = part.rsplit_once('.').map(|it| it.1.to_ascii_lowercase());
        let usual = extension.and_then(|it| self.usual.get(&it));
        if usual == Some(&Role::Body) && !self.named.contains(part) {
            self.roles.push((part.to_owned(), Role::Body));
        }
        Ok(())
    }
}

/// Every element of `xml`.
fn elements(
    xml: &str,
    mut see: impl FnMut(&BytesStart<'_>) -> Result<(), PackageFault>,
) -> Result<(), PackageFault> {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event().map_err(|_| PackageFault::Damaged)? {
            Event::Start(element) | Event::Empty(element) => see(&element)?,
            Event::Eof => return Ok(()),
            Event::End(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
    }
}

/// What an attribute says.
fn value(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, PackageFault> {
    let found = element.try_get_attribute(name).map_err(|_| PackageFault::Damaged)?;
    Ok(found.map(|it| it.value.into_owned()))
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
