//! The text of a PDF, page by page.

use pdf_extract::{Document, Error, PlainTextOutput, output_doc_page};

use super::{Page, Unreadable};

/// How many pages are looked at.
const PAGES_MAX: usize = 5_000;

/// How much text is taken from a file whose pages repeat one another.
const TEXT_BYTES_MAX: usize = 2 * super::TEXT_BYTES_MAX;

/// The pages of a PDF. A page that cannot be read is empty; a file of which no
/// page can be is damaged.
pub(super) fn pages(bytes: &[u8]) -> Result<Vec<Page>, Unreadable> {
    let mut document = Document::load_mem(bytes).map_err(unreadable)?;
    // Many a file may be read, but not be printed or changed, without a password.
    if document.is_encrypted() && document.decrypt("").is_err() {
        return Err(Unreadable::Encrypted);
    }
    let numbers: Vec<u32> = document.get_pages().into_keys().take(PAGES_MAX).collect();
    let (mut pages, mut bytes, mut failed) = (Vec::new(), 0, 0);
    for number in numbers {
        let mut text = String::new();
        let mut output = PlainTextOutput::new(&mut text);
        if output_doc_page(&document, &mut output, number).is_err() {
            text.clear();
            failed += 1;
        }
        bytes += text.len();
        pages.push(Page { number: Some(number), text });
        if TEXT_BYTES_MAX < bytes {
            break;
        }
    }
    if failed == pages.len() { Err(Unreadable::Damaged) } else { Ok(pages) }
}

fn unreadable(error: impl Into<Error>) -> Unreadable {
    if let Error::Decryption(_) | Error::InvalidPassword = error.into() {
        return Unreadable::Encrypted;
    }
    Unreadable::Damaged
}
