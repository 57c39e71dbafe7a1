//! The text of a PDF, page by page.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pdf_extract::{Document, Error, PlainTextOutput, output_doc_page};

use super::{Page, Parsed, Unreadable};

/// How many pages are looked at.
const PAGES_MAX: usize = 5_000;

/// How much text is taken from a file whose pages repeat one another.
const TEXT_BYTES_MAX: usize = 2 * super::TEXT_BYTES_MAX;

/// The pages of a PDF. Those that cannot be read are counted; a file of which no
/// page can be is damaged.
pub(super) fn parsed(bytes: &[u8]) -> Result<Parsed, Unreadable> {
    up_to(PAGES_MAX, bytes)
}

fn up_to(pages_max: usize, bytes: &[u8]) -> Result<Parsed, Unreadable> {
    let mut document = Document::load_mem(bytes).map_err(unreadable)?;
    // Many a file may be read, but not be printed or changed, without a password.
    if document.is_encrypted() && document.decrypt("").is_err() {
        return Err(Unreadable::Encrypted);
    }
    let numbers: Vec<u32> = document.get_pages().into_keys().collect();
    let (mut parsed, mut bytes, mut seen) = (Parsed::default(), 0, 0);
    for number in numbers.iter().take(pages_max) {
        seen += 1;
        match page(&document, *number) {
            Some(text) => {
                bytes += text.len();
                parsed.pages.push(Page { number: Some(*number), text });
            }
            None => parsed.pages_unread += 1,
        }
        if TEXT_BYTES_MAX < bytes {
            break;
        }
    }
    parsed.pages_cut = u32::try_from(numbers.len() - seen).unwrap_or(u32::MAX);
    if parsed.pages.is_empty() { Err(Unreadable::Damaged) } else { Ok(parsed) }
}

/// The text of a page. The library panics at many a font that others can read:
/// that is the end of this page, not of all the others.
fn page(document: &Document, number: u32) -> Option<String> {
    let mut text = String::new();
    let read = catch_unwind(AssertUnwindSafe(|| {
        output_doc_page(document, &mut PlainTextOutput::new(&mut text), number).is_ok()
    }));
    read.is_ok_and(|it| it).then_some(text)
}

fn unreadable(error: impl Into<Error>) -> Unreadable {
    if let Error::Decryption(_) | Error::InvalidPassword = error.into() {
        return Unreadable::Encrypted;
    }
    Unreadable::Damaged
}

#[cfg(test)]
mod tests {
    use super::{super::super::testing::pdf, *};

    #[test]
    fn pages_that_are_too_many_are_counted() {
        let file = pdf(&["Une.", "Deux.", "Trois.", "Quatre."]);
        let all = up_to(4, &file).unwrap();
        assert_eq!((all.pages.len(), all.pages_cut), (4, 0));
        let some = up_to(3, &file).unwrap();
        assert_eq!((some.pages.len(), some.pages_cut), (3, 1));
    }
}
