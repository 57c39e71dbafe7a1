//! What language a page is in, as two letters: what it says, or else what its
//! words look like.

use whatlang::Lang;

/// How much of a text is looked at.
const LOOKED_AT_BYTES: usize = 2_048;

/// Fewer words than that look like anything.
const LOOKED_AT_BYTES_MIN: usize = 60;

/// The language, given what the page says.
pub(super) fn of_page(said: Option<&str>, text: &str) -> Option<String> {
    said.and_then(code).or_else(|| {
        if text.len() < LOOKED_AT_BYTES_MIN {
            return None;
        }
        let looked_at = &text[..text.floor_char_boundary(LOOKED_AT_BYTES)];
        let seen = whatlang::detect(looked_at)?;
        seen.is_reliable().then(|| letters(seen.lang()).map(str::to_owned))?
    })
}

/// The first part of a tag such as `fr-CA`.
fn code(tag: &str) -> Option<String> {
    let first = tag.trim().split(['-', '_']).next()?.to_ascii_lowercase();
    let known = first.len() == 2 && first.bytes().all(|it| it.is_ascii_lowercase());
    known.then(|| if first == "nb" || first == "nn" { "no".to_owned() } else { first })
}

fn letters(language: Lang) -> Option<&'static str> {
    const TWO_LETTERS: [(&str, &str); 36] = [
        ("ara", "ar"),
        ("bul", "bg"),
        ("cat", "ca"),
        ("ces", "cs"),
        ("cmn", "zh"),
        ("dan", "da"),
        ("deu", "de"),
        ("ell", "el"),
        ("eng", "en"),
        ("est", "et"),
        ("fin", "fi"),
        ("fra", "fr"),
        ("heb", "he"),
        ("hin", "hi"),
        ("hrv", "hr"),
        ("hun", "hu"),
        ("ind", "id"),
        ("ita", "it"),
        ("jpn", "ja"),
        ("kor", "ko"),
        ("lit", "lt"),
        ("nld", "nl"),
        ("nob", "no"),
        ("pes", "fa"),
        ("pol", "pl"),
        ("por", "pt"),
        ("ron", "ro"),
        ("rus", "ru"),
        ("slk", "sk"),
        ("slv", "sl"),
        ("spa", "es"),
        ("swe", "sv"),
        ("tam", "ta"),
        ("tur", "tr"),
        ("ukr", "uk"),
        ("vie", "vi"),
    ];
    TWO_LETTERS.iter().find(|(three, _)| *three == language.code()).map(|(_, two)| *two)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_in_the_language_that_it_says_or_else_looks_like() {
        let french = "Le phare se dresse au bout de la jetée, et le gardien monte chaque soir.";
        assert_eq!(of_page(Some("fr-CA"), "").as_deref(), Some("fr"));
        assert_eq!(of_page(Some(" EN_us"), french).as_deref(), Some("en"));
        assert_eq!(of_page(None, french).as_deref(), Some("fr"));
        assert_eq!(of_page(Some("x-klingon"), french).as_deref(), Some("fr"));
        assert_eq!(of_page(Some("nb"), "").as_deref(), Some("no"));
        assert_eq!(of_page(None, "ok"), None);
    }
}
