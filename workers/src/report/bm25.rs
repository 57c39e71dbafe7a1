//! Which passages speak of something, best first, by Okapi BM25.

use std::collections::HashMap;

use super::{passages::Passage, words};

/// How soon more of the same word stops to matter.
const K1: f64 = 1.5;

/// How much a passage that is longer than others must say more.
const B: f64 = 0.75;

/// How much memory an index may take, about, in bytes. What people write takes
/// less than half of it, as far as the text of a report is used at all.
const BYTES_MAX: usize = 256 * 1024 * 1024;

/// What a passage costs beside its text, a word beside its letters, and each
/// passage that a word stands in.
const PASSAGE_BYTES: usize = 64;
const WORD_BYTES: usize = 128;
const PLACE_BYTES: usize = 16;

/// The passages of all sources, by their words.
#[derive(Debug)]
pub(super) struct Index {
    passages: Vec<Passage>,
    lengths: Vec<u32>,
    /// For each word, in which passages it stands, and how often.
    postings: HashMap<String, Vec<(u32, u32)>>,
    words: u64,
    /// How much memory is left.
    bytes_left: usize,
}

impl Default for Index {
    fn default() -> Self {
        Self::within(BYTES_MAX)
    }
}

/// A passage that speaks of what was looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit<'a> {
    pub(super) passage: &'a Passage,
    /// Above 0.
    pub(super) score: f64,
}

impl Index {
    fn within(bytes_max: usize) -> Self {
        Self {
            passages: Vec::new(),
            lengths: Vec::new(),
            postings: HashMap::new(),
            words: 0,
            bytes_left: bytes_max,
        }
    }

    /// Takes in a passage, if there is room for it. Whether there was.
    #[must_use]
    pub(super) fn add(&mut self, passage: Passage) -> bool {
        let Ok(number) = u32::try_from(self.passages.len()) else { return false };
        let mut counts: HashMap<String, u32> = HashMap::new();
        let mut length = 0;
        for word in words::tokens(&passage.text) {
            *counts.entry(word).or_default() += 1;
            length += 1;
        }
        let new = counts.keys().filter(|it| !self.postings.contains_key(*it));
        let new: usize = new.map(|it| WORD_BYTES + it.len()).sum();
        let bytes = PASSAGE_BYTES + passage.text.len() + new + PLACE_BYTES * counts.len();
        let Some(left) = self.bytes_left.checked_sub(bytes) else { return false };
        self.bytes_left = left;
        for (word, count) in counts {
            self.postings.entry(word).or_default().push((number, count));
        }
        self.words += u64::from(length);
        self.lengths.push(length);
        self.passages.push(passage);
        true
    }

    /// All passages, in the order in which they were taken in.
    pub(super) fn passages(&self) -> &[Passage] {
        &self.passages
    }

    /// How much a word tells: the fewer passages it stands in, the more.
    pub(super) fn weight(&self, word: &str) -> f64 {
        let among = real(self.passages.len());
        let in_which = real(self.postings.get(word).map_or(0, Vec::len));
        (1.0 + (among - in_which + 0.5) / (in_which + 0.5)).ln()
    }

    /// The passages that speak of `query`, best first, at most `limit`. Of
    /// equals, the one that was taken in first.
    pub(super) fn search(&self, query: &str, limit: usize) -> Vec<Hit<'_>> {
        let mut words = words::tokens(query);
        words.sort_unstable();
        words.dedup();
        let mut scores: HashMap<u32, f64> = HashMap::new();
        for word in &words {
            let weight = self.weight(word);
            for (number, count) in self.postings.get(word).into_iter().flatten() {
                let score = weight * self.saturation(*number, *count);
                *scores.entry(*number).or_default() += score;
            }
        }
        let mut scores: Vec<(u32, f64)> = scores.into_iter().filter(|it| 0.0 < it.1).collect();
        scores.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        scores.truncate(limit);
        let hit =
            |(number, score): (u32, f64)| Hit { passage: &self.passages[number as usize], score };
        scores.into_iter().map(hit).collect()
    }

    fn saturation(&self, number: u32, count: u32) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a mean needs no 53 bits")]
        let mean = (self.words as f64 / real(self.passages.len())).max(1.0);
        let length = f64::from(self.lengths[number as usize]);
        let count = f64::from(count);
        count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length / mean))
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 passages")]
fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index(texts: &[&str]) -> Index {
        let mut index = Index::default();
        for text in texts {
            assert!(index.add(Passage { source: 0, page: None, text: (*text).into() }));
        }
        index
    }

    /// Must never: a source that takes the memory of the server, a word each
    /// three letters.
    #[test]
    fn words_that_nobody_writes_take_no_more_memory_than_there_is() {
        let mut index = Index::within(1024 * 1024);
        let text = |number: u32| (0..400).map(|it| format!("{:x} ", number * 400 + it)).collect();
        let passage = |number| Passage { source: 0, page: None, text: text(number) };
        let taken = (1_000..2_000).take_while(|it| index.add(passage(*it))).count();
        assert!((10..30).contains(&taken), "{taken}");
        assert!(index.postings.len() < 8_000, "{}", index.postings.len());
        let first = format!("{:x}", 400_000);
        assert_eq!(index.search(&first, 10).len(), 1, "what was taken in is found");
        assert!(index.search(&format!("{:x}", 799_999), 10).is_empty());
    }

    fn found(index: &Index, query: &str) -> Vec<String> {
        index.search(query, 10).iter().map(|it| it.passage.text.to_string()).collect()
    }

    #[test]
    fn the_passage_that_says_most_of_what_is_looked_for_comes_first() {
        let index = index(&[
            "Le stage a duré trois mois.",
            "La formation de menuisier, puis un stage de menuisier.",
            "Rien de tout cela.",
        ]);
        assert_eq!(
            found(&index, "menuisier"),
            ["La formation de menuisier, puis un stage de menuisier."]
        );
        assert_eq!(found(&index, "Stage")[0], "Le stage a duré trois mois.");
        assert_eq!(found(&index, "STAGE menuisier").len(), 2);
        assert!(found(&index, "de la").is_empty(), "common words find nothing");
        assert!(found(&index, "jardinier").is_empty());
    }

    #[test]
    fn scores_are_those_of_the_formula() {
        let index = index(&["alpha beta", "alpha alpha gamma delta"]);
        let [first, second] = index.search("alpha", 10).try_into().unwrap();
        let weight = (1.0_f64 + 0.5 / 2.5).ln();
        let of = |count: f64, length: f64| {
            weight * count * 2.5 / (count + 1.5 * (0.25 + 0.75 * length / 3.0))
        };
        assert!((first.score - of(2.0, 4.0)).abs() < 1e-12, "{}", first.score);
        assert!((second.score - of(1.0, 2.0)).abs() < 1e-12, "{}", second.score);
    }

    proptest! {
        #[test]
        fn what_is_found_shares_a_word_and_what_shares_one_is_found(
            texts in prop::collection::vec("[abc]{2} [abc]{2} [abc]{2}", 1..8),
            query in "[abc]{2} [abc]{2}",
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let index = index(&texts);
            let words = words::tokens(&query);
            let shares = |text: &str| words::tokens(text).iter().any(|it| words.contains(it));
            let found = found(&index, &query);
            prop_assert_eq!(found.len(), texts.iter().filter(|it| shares(it)).count());
            prop_assert!(found.iter().all(|it| shares(it)));
        }

        #[test]
        fn saying_it_once_more_in_as_many_words_is_never_worse(
            filler in 1_usize..6, others in prop::collection::vec("[xyz]{3}", 0..5),
        ) {
            let once = format!("wood {}", "filler ".repeat(filler));
            let twice = format!("wood wood {}", "filler ".repeat(filler - 1));
            let mut texts = vec![once.as_str(), twice.as_str()];
            texts.extend(others.iter().map(String::as_str));
            let index = index(&texts);
            let hits = index.search("wood", 2);
            prop_assert_eq!(&*hits[0].passage.text, twice.as_str());
        }

        #[test]
        fn an_unrelated_passage_of_usual_length_changes_no_order(
            texts in prop::collection::vec("(wood|glass|iron) [abc]{3} [abc]{3}", 1..8),
        ) {
            let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let before = found(&index(&texts), "wood");
            texts.push("xxx yyy zzz");
            prop_assert_eq!(found(&index(&texts), "wood"), before);
        }
    }
}
