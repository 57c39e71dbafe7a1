//! Sources, cut into passages short enough to be read together.

use super::extract::Extracted;

/// How long a passage is, in characters.
pub(super) const CHARS: usize = 1_200;

/// How many characters of a passage the next one begins with, so that what
/// stands across a cut is whole in one of them.
const OVERLAP: usize = 200;

/// A part of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    /// Which source, from 0.
    pub(super) source: u32,
    /// On which page, from 1, if the source has any.
    pub(super) page: Option<u32>,
    pub(super) text: Box<str>,
}

/// The passages of a source, each on one page.
pub(super) fn passages(source: u32, extracted: &Extracted) -> Vec<Passage> {
    let mut passages = Vec::new();
    for page in &extracted.pages {
        let cut = pieces(&page.text).filter(|it| !it.trim().is_empty());
        passages.extend(cut.map(|it| Passage { source, page: page.number, text: it.into() }));
    }
    passages
}

/// Pieces of a text, each beginning before the last one ends.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take().filter(|it| !it.is_empty())?;
        let Some((end, _)) = text.char_indices().nth(CHARS) else { return Some(text) };
        let next = text.char_indices().nth(CHARS - OVERLAP).map(|(at, _)| &text[at..]);
        rest = next;
        Some(&text[..end])
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::extract::Page, *};

    fn of(text: &str) -> Vec<Passage> {
        let pages = vec![Page { number: Some(3), text: text.to_owned() }];
        passages(1, &Extracted { pages, ..Extracted::default() })
    }

    #[test]
    fn a_passage_has_1200_characters_of_which_the_next_one_repeats_200() {
        let text: String = ('a'..='z').cycle().take(2_300).collect();
        let cut = of(&text);
        let lengths: Vec<usize> = cut.iter().map(|it| it.text.len()).collect();
        assert_eq!(lengths, [1_200, 1_200, 300]);
        assert_eq!(cut[0].text[1_000..], cut[1].text[..200]);
        assert_eq!((cut[1].source, cut[1].page), (1, Some(3)));
    }

    #[test]
    fn a_page_of_white_is_no_passage() {
        assert_eq!(of(" \n\t "), []);
        assert_eq!(of(""), []);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_whatever_the_letters(text in "[aé😀 \\n]{0,4000}") {
            let cut: Vec<&str> = pieces(&text).collect();
            let mut whole = String::new();
            for (at, piece) in cut.iter().enumerate() {
                let overlap = if at == 0 { 0 } else { OVERLAP };
                whole.extend(piece.chars().skip(overlap));
            }
            prop_assert_eq!(whole, text);
        }
    }
}
