//! Bytes become text: by the byte order mark, by what the server says, by what
//! the page says of itself, and else by what the bytes look like.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// How far into a page its own word is looked for.
const PROLOGUE_BYTES: usize = 1_024;

/// How much of a page is looked at to guess.
const GUESSED_BYTES: usize = 64 * 1_024;

/// The text, given what the server said the character set was.
pub(super) fn decode(bytes: &[u8], said: Option<&str>) -> String {
    let said = said.and_then(|it| Encoding::for_label(it.as_bytes()));
    // A byte order mark is stronger than whatever was chosen.
    let encoding = said.or_else(|| declared(bytes)).unwrap_or_else(|| guess(bytes));
    let (text, ..) = encoding.decode(bytes);
    text.into_owned()
}

/// What a `meta` element or an XML declaration near the beginning names.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let prologue = String::from_utf8_lossy(&bytes[..bytes.len().min(PROLOGUE_BYTES)]);
    let prologue = prologue.to_ascii_lowercase();
    let from = ["charset", "encoding"]
        .iter()
        .find_map(|it| prologue.find(it).map(|at| &prologue[at + it.len()..]))?;
    let value = from.trim_start().strip_prefix('=')?.trim_start_matches([' ', '"', '\'']);
    let end = value.find(['"', '\'', ';', '>', ' ', '/', '?']).unwrap_or(value.len());
    let encoding = Encoding::for_label(&value.as_bytes()[..end])?;
    // It was read as ASCII just now: it cannot be what it says.
    Some(if [UTF_16BE, UTF_16LE].contains(&encoding) { UTF_8 } else { encoding })
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let looked_at = &bytes[..bytes.len().min(GUESSED_BYTES)];
    detector.feed(looked_at, looked_at.len() == bytes.len());
    detector.guess(None, Utf8Detection::Allow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_in_the_character_set_that_it_is_written_in() {
        let latin = b"<html><body>Le phare \xE9claire la c\xF4te toute la nuit.</body>";
        let declared = b"<html><head><meta charset=\"windows-1252\"></head>\xE9t\xE9";
        let older = b"<meta http-equiv=Content-Type content='text/html; charset=iso-8859-15'>\xA4";
        let xml = b"<?xml version='1.0' encoding='iso-8859-1'?><html>\xE9</html>";
        let cases: [(&[u8], Option<&str>, &str); 8] = [
            (latin, Some("ISO-8859-1"), "éclaire la côte"),
            (latin, None, "éclaire la côte"),
            (latin, Some("no such thing"), "éclaire la côte"),
            (declared, None, "été"),
            (older, None, "€"),
            (xml, None, "<html>é"),
            ("\u{FEFF}été".as_bytes(), Some("iso-8859-1"), "été"),
            ("<p>été à la côte".as_bytes(), None, "été à la côte"),
        ];
        for (bytes, said, expected) in cases {
            let text = decode(bytes, said);
            assert!(text.contains(expected), "{said:?}: {text}");
        }
    }
}
