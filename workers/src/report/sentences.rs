//! A text, taken apart into what can be cited alone: sentences, and lines that
//! stand by themselves.

use std::ops::Range;

/// A line this long goes on in the next one, unless it says that it ends.
const FULL_LINE_CHARS: usize = 60;

/// How far apart two words may stand.
const GAP_BYTES_MAX: usize = 100;

/// Words that end in a full stop without ending a sentence.
const ABBREVIATIONS: &[&str] = &[
    "al", "art", "cf", "chap", "dr", "env", "ex", "fig", "m", "max", "me", "min", "mm", "mme",
    "mr", "mrs", "n", "no", "p", "pp", "prof", "resp", "st", "ste", "tel", "tél", "vol", "vs",
];

/// What begins an item of a list.
const BULLETS: [char; 6] = ['•', '–', '—', '-', '*', '·'];

/// The sentences of a text, in its order.
pub(super) fn sentences(text: &str) -> Vec<String> {
    paragraphs(text).iter().flat_map(|it| split(it)).collect()
}

/// Where each of its sentences stands in a text.
pub(super) fn locate(text: &str, sentences: &[String]) -> Vec<Range<usize>> {
    let mut at = 0;
    let place = |sentence: &String| {
        let mut place: Option<Range<usize>> = None;
        for word in sentence.split_whitespace() {
            // What lies between is white, or makes an item of a list. A word that was broken at
            // the end of a line is not found in one piece.
            let near = text.floor_char_boundary(at + GAP_BYTES_MAX + word.len());
            let Some(found) = text[at..near].find(word) else { continue };
            let from = at + found;
            at = from + word.len();
            place = Some(place.map_or(from, |it| it.start)..at);
        }
        place.unwrap_or(at..at)
    };
    sentences.iter().map(place).collect()
}

/// A line without the sign that makes it an item of a list.
pub(super) fn item(line: &str) -> Option<&str> {
    let line = line.trim();
    let rest = line.strip_prefix(BULLETS)?;
    rest.starts_with(char::is_whitespace).then(|| rest.trim()).filter(|it| !it.is_empty())
}

/// Lines that belong together, put together.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    let (mut open, mut last_chars) = (false, 0);
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            open = false;
            continue;
        }
        match paragraphs.last_mut().filter(|it| open && goes_on(it, last_chars, line)) {
            Some(paragraph) if paragraph.ends_with('-') => {
                paragraph.pop();
                paragraph.push_str(line);
            }
            Some(paragraph) => {
                paragraph.push(' ');
                paragraph.push_str(line);
            }
            None => paragraphs.push(item(line).unwrap_or(line).to_owned()),
        }
        (open, last_chars) = (true, line.chars().count());
    }
    paragraphs
}

fn goes_on(paragraph: &str, last_chars: usize, line: &str) -> bool {
    if paragraph.ends_with(['.', '!', '?', ':', ';', '…']) || item(line).is_some() {
        return false;
    }
    line.starts_with(char::is_lowercase) || FULL_LINE_CHARS <= last_chars
}

fn split(paragraph: &str) -> Vec<String> {
    let (mut sentences, mut from) = (Vec::new(), 0);
    let letters: Vec<(usize, char)> = paragraph.char_indices().collect();
    for (number, (at, it)) in letters.iter().enumerate() {
        let next: Vec<char> = letters[number + 1..].iter().take(2).map(|it| it.1).collect();
        let ends = matches!(it, '.' | '!' | '?' | '…')
            && matches!(next[..], [space, first]
                if space.is_whitespace() && !first.is_lowercase() && !first.is_whitespace());
        if ends && !(*it == '.' && is_abbreviated(&paragraph[from..*at])) {
            let end = at + it.len_utf8();
            sentences.push(paragraph[from..end].trim().to_owned());
            from = end;
        }
    }
    sentences.push(paragraph[from..].trim().to_owned());
    sentences.retain(|it| !it.is_empty());
    sentences
}

fn is_abbreviated(before: &str) -> bool {
    let word = before.rsplit(|it: char| !it.is_alphanumeric()).next().unwrap_or_default();
    ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_they_end_and_not_at_abbreviations() {
        assert_eq!(
            sentences("M. Exemple est venu. Il a signé ! Puis, p. 3, rien… Fin"),
            ["M. Exemple est venu.", "Il a signé !", "Puis, p. 3, rien…", "Fin"]
        );
        assert_eq!(sentences("Version 3.5 du rapport."), ["Version 3.5 du rapport."]);
    }

    #[test]
    fn lines_that_were_broken_to_fit_a_page_are_put_together() {
        let page = "Il a suivi une formation de menuisier au centre professionnel de\nGenève, puis un \
                    stage.\nProfession : menuisier\nétudes re-\nprises\n\n- un\n• deux";
        assert_eq!(
            sentences(page),
            [
                "Il a suivi une formation de menuisier au centre professionnel de Genève, puis un stage.",
                "Profession : menuisier études reprises",
                "un",
                "deux"
            ]
        );
    }

    #[test]
    fn a_sentence_is_found_where_it_stands() {
        let page = "Un stage, un stage.\n\n  • Il a suivi des études re-\nprises. Puis un stage.";
        let told = sentences(page);
        let places = locate(page, &told);
        let places: Vec<&str> = places.into_iter().map(|it| &page[it]).collect();
        let second = "Il a suivi des études re-\nprises.";
        assert_eq!(told.len(), 3, "{told:?}");
        assert_eq!((places[0], places[2]), ("Un stage, un stage.", "Puis un stage."));
        assert!(second.starts_with(places[1]), "{places:?}");
    }

    #[test]
    fn an_item_has_a_sign_and_something_after_it() {
        assert_eq!(item(" - lire "), Some("lire"));
        assert_eq!(item("-lire"), None);
        assert_eq!(item("- "), None);
    }
}
