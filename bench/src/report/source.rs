//! The files of a report: sources of ten pages each, in three formats, and a
//! template.

use super::{docx, pages, pdf};

const PAGES_OF_A_FILE: u32 = 10;

/// A file as it would be sent.
pub(super) struct File {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// So many pages: a PDF, a DOCX, a plain text, and so on.
pub(super) fn sources(pages: u32) -> anyhow::Result<Vec<File>> {
    let mut files = Vec::new();
    for first in (0..pages).step_by(PAGES_OF_A_FILE as usize) {
        let last = pages.min(first + PAGES_OF_A_FILE);
        let texts: Vec<String> = (first..last).map(pages::text).collect();
        let (extension, bytes) = match first / PAGES_OF_A_FILE % 3 {
            0 => ("pdf", pdf::of(&texts)),
            1 => ("docx", docx::of(texts.iter().flat_map(|it| it.lines()))?),
            _ => ("txt", texts.concat().into_bytes()),
        };
        files.push(File { name: format!("pages-{first}.{extension}"), bytes });
    }
    Ok(files)
}

/// A heading and a placeholder for each field.
pub(super) fn template(keys: &[String]) -> anyhow::Result<File> {
    let lines: Vec<String> =
        keys.iter().flat_map(|key| [format!("On {key}:"), format!("{{{{{key}}}}}")]).collect();
    let bytes = docx::of(lines.iter().map(String::as_str))?;
    Ok(File { name: "template.docx".to_owned(), bytes })
}
