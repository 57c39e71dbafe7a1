//! What a file is called and said to be: words of whoever sends it, which end
//! up in headers, tables and on disks of others.

use crate::problem::Problem;
use axum::http::StatusCode;

/// The longest name, in bytes: what file systems take.
const NAME_BYTES_MAX: usize = 255;

const MEDIA_TYPE_BYTES_MAX: usize = 127;

/// What is said to be nothing in particular.
const UNKNOWN: &str = "application/octet-stream";

/// The last part of what may be a path, if it can be the name of a file anywhere.
pub(crate) fn named(sent: &str) -> Result<String, Problem> {
    let name = sent.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let rule = if name.is_empty() || name == "." || name == ".." {
        "the name of a file"
    } else if name.contains(is_treacherous) {
        "without control characters"
    } else if NAME_BYTES_MAX < name.len() {
        "at most 255 bytes"
    } else {
        return Ok(name.to_owned());
    };
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID").field("name", rule))
}

/// Controls, and what makes the rest of a line run the other way: `evil\u{202e}fdp.exe` looks like
/// a document.
fn is_treacherous(it: char) -> bool {
    it.is_control()
        || matches!(it, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What `curl -d` says of whatever it sends.
const CURLS: &str = "application/x-www-form-urlencoded";

/// What kind of file it is: as its sender says, or else as its name does.
pub(crate) fn media_type(sent: Option<&str>, name: &str) -> String {
    let said = said(sent);
    if said != UNKNOWN && said != CURLS {
        return said;
    }
    mime_guess::from_path(name).first_raw().unwrap_or(UNKNOWN).to_owned()
}

/// The type without its parameters, if it is one.
fn said(sent: Option<&str>) -> String {
    let essence = sent.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let is_word = |it: &str| {
        let plain = |it: u8| it.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&it);
        !it.is_empty() && it.bytes().all(plain)
    };
    let is_type =
        essence.split_once('/').is_some_and(|(first, second)| is_word(first) && is_word(second));
    if is_type && essence.len() <= MEDIA_TYPE_BYTES_MAX {
        essence.to_ascii_lowercase()
    } else {
        UNKNOWN.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_a_path_only_the_last_part_is_a_name() {
        for path in ["notes.pdf", "/etc/../notes.pdf", r"C:\fakepath\notes.pdf", " notes.pdf "] {
            assert_eq!(named(path).unwrap(), "notes.pdf", "{path}");
        }
        assert_eq!(named("été — 日本.txt").unwrap(), "été — 日本.txt");
    }

    #[test]
    fn what_cannot_be_a_name_everywhere_is_refused() {
        let long = "é".repeat(128);
        let bad = ["", " ", "/", "a/", "..", r"..\..", "a\0b", "a\nb", "a\u{202e}fdp.exe", &long];
        for name in bad {
            assert_eq!(named(name).unwrap_err().code(), "INVALID", "{name:?}");
        }
    }

    #[test]
    fn the_name_tells_what_the_sender_does_not() {
        let word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        for silent in [None, Some(""), Some(UNKNOWN), Some(CURLS)] {
            assert_eq!(media_type(silent, "Contract.DOCX"), word);
            assert_eq!(media_type(silent, "scan.pdf"), "application/pdf");
            assert_eq!(media_type(silent, "data"), UNKNOWN);
        }
        assert_eq!(media_type(Some("text/csv"), "scan.pdf"), "text/csv");
    }

    #[test]
    fn what_is_no_media_type_is_not_passed_on() {
        assert_eq!(said(Some("Text/CSV; charset=utf-8")), "text/csv");
        assert_eq!(said(Some("application/vnd.ms-excel")), "application/vnd.ms-excel");
        for bad in ["", "text", "/", "text/", "te xt/csv", "text/csv\r\nset-cookie: a", "a/b/c"] {
            assert_eq!(said(Some(bad)), UNKNOWN, "{bad:?}");
        }
        assert_eq!(said(None), UNKNOWN);
    }

    proptest! {
        #[test]
        fn no_name_leads_anywhere(sent in ".*") {
            if let Ok(name) = named(&sent) {
                prop_assert!(!name.contains(['/', '\\', '\0', '\n', '\r']));
                prop_assert!(!["", ".", ".."].contains(&name.as_str()));
            }
        }
    }
}
