//! Plain text, in whatever way its letters were written down.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::Unreadable;

/// How much of a file is looked at to tell what it is.
const SAMPLE: usize = 64 * 1024;

/// Whether these bytes can be text at all.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    if marked(bytes).is_some() || wide(bytes).is_some() {
        return true;
    }
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    !sample.is_empty() && !sample.iter().any(|it| is_control(*it))
}

/// The text: by the mark that it begins with, else as UTF-8, else as UTF-16,
/// else as Windows wrote western languages.
pub(super) fn decoded(bytes: &[u8]) -> Result<String, Unreadable> {
    if super::TEXT_BYTES_MAX * 4 < bytes.len() {
        return Err(Unreadable::TooLarge);
    }
    let encoding = marked(bytes)
        .or_else(|| wide(bytes))
        .unwrap_or_else(|| if std::str::from_utf8(bytes).is_ok() { UTF_8 } else { WINDOWS_1252 });
    Ok(encoding.decode(bytes).0.into_owned())
}

fn marked(bytes: &[u8]) -> Option<&'static Encoding> {
    Encoding::for_bom(bytes).map(|it| it.0)
}

/// UTF-16 without a mark: every other byte of western text is 0.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(SAMPLE) & !1];
    let zeros = |at: usize| sample.iter().skip(at).step_by(2).filter(|it| **it == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    let many = sample.len() / 4;
    if sample.len() < 4 {
        None
    } else if many < second && first == 0 {
        Some(UTF_16LE)
    } else if many < first && second == 0 {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// What stands in no text: control characters but for tabs, line and page ends,
/// and the escape that old printers knew.
fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0B | 0x0C | 0x1A | 0x1B)
}
