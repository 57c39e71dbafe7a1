//! How much of a page is about the terms of its crawl: every occurrence of
//! every term, by the stems of its words; one in the title counts for ten.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock},
};

use rust_stemmers::{Algorithm, Stemmer};
use serde::Serialize;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// What an occurrence in the title counts for.
const TITLE_WEIGHT: u32 = 10;

/// The languages whose stems are known.
const STEMMED: [(&str, Algorithm); 18] = [
    ("ar", Algorithm::Arabic),
    ("da", Algorithm::Danish),
    ("de", Algorithm::German),
    ("el", Algorithm::Greek),
    ("en", Algorithm::English),
    ("es", Algorithm::Spanish),
    ("fi", Algorithm::Finnish),
    ("fr", Algorithm::French),
    ("hu", Algorithm::Hungarian),
    ("it", Algorithm::Italian),
    ("nl", Algorithm::Dutch),
    ("no", Algorithm::Norwegian),
    ("pt", Algorithm::Portuguese),
    ("ro", Algorithm::Romanian),
    ("ru", Algorithm::Russian),
    ("sv", Algorithm::Swedish),
    ("ta", Algorithm::Tamil),
    ("tr", Algorithm::Turkish),
];

/// The terms of a crawl, ready to be found in texts of any language.
#[derive(Debug)]
pub(super) struct Dictionary {
    terms: Vec<String>,
    /// What languages the terms are in, the first being that of a page whose
    /// own is not known.
    languages: Vec<String>,
    /// By language, as in [`STEMMED`], made when first asked for. The last is
    /// for all others, whose words are taken as they are.
    phrases: [OnceLock<Arc<Phrases>>; STEMMED.len() + 1],
}

/// How much of a page is about the terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Relevance {
    pub(super) score: u32,
    /// The terms that come up.
    pub(super) terms: Vec<TermCount>,
}

/// How often a term comes up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct TermCount {
    pub(super) term: String,
    pub(super) title: u32,
    pub(super) body: u32,
}

/// The terms of a crawl in one language.
struct Phrases {
    stemmer: Option<Stemmer>,
    /// Names each stem that comes up in a term.
    stems: HashMap<String, u32>,
    /// The terms that begin with a stem: which, and all of its stems.
    by_first: HashMap<u32, Vec<(usize, Vec<u32>)>>,
}

impl std::fmt::Debug for Phrases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Phrases").field("stems", &self.stems).finish_non_exhaustive()
    }
}

impl Dictionary {
    pub(super) fn new(terms: &[String], languages: &[String]) -> Self {
        let phrases = std::array::from_fn(|_| OnceLock::new());
        Self { terms: terms.to_vec(), languages: languages.to_vec(), phrases }
    }

    /// How much of a page is about the terms.
    pub(super) fn relevance(&self, title: &str, body: &str, language: Option<&str>) -> Relevance {
        let phrases = self.phrases(language.or_else(|| self.languages.first().map(String::as_str)));
        let mut counts: BTreeMap<usize, (u32, u32)> = BTreeMap::new();
        phrases.count(title, |term| counts.entry(term).or_default().0 += 1);
        phrases.count(body, |term| counts.entry(term).or_default().1 += 1);
        let mut relevance = Relevance::default();
        for (term, (title, body)) in counts {
            let score = title.saturating_mul(TITLE_WEIGHT).saturating_add(body);
            relevance.score = relevance.score.saturating_add(score);
            relevance.terms.push(TermCount { term: self.terms[term].clone(), title, body });
        }
        relevance
    }

    /// The stems of each term, by language: what the crawl was scored with.
    pub(super) fn stems(&self) -> BTreeMap<&str, BTreeMap<&str, Vec<String>>> {
        let used = self.phrases.iter().enumerate().filter(|(_, it)| it.get().is_some());
        let asked = self.languages.iter().map(|it| place(it));
        let places = used.map(|(place, _)| place).chain(asked).collect::<Vec<_>>();
        let stems_in = |at: usize| {
            let stemmer = STEMMED.get(at).map(|(_, algorithm)| Stemmer::create(*algorithm));
            let of_term = |it: &str| words(it).map(|it| stem(stemmer.as_ref(), it)).collect();
            self.terms.iter().map(|it| (it.as_str(), of_term(it))).collect()
        };
        let name = |at: usize| STEMMED.get(at).map_or("other", |(language, _)| language);
        places.into_iter().map(|at| (name(at), stems_in(at))).collect()
    }

    fn phrases(&self, language: Option<&str>) -> Arc<Phrases> {
        let place = language.map_or(STEMMED.len(), place);
        Arc::clone(self.phrases[place].get_or_init(|| {
            let algorithm = STEMMED.get(place).map(|(_, algorithm)| *algorithm);
            Arc::new(Phrases::new(&self.terms, algorithm))
        }))
    }
}

/// Where the phrases of a language are.
fn place(language: &str) -> usize {
    STEMMED.iter().position(|(it, _)| *it == language).unwrap_or(STEMMED.len())
}

impl Phrases {
    /// Two terms that come down to the same stems are one, and count once.
    fn new(terms: &[String], algorithm: Option<Algorithm>) -> Self {
        let stemmer = algorithm.map(Stemmer::create);
        let mut stems = HashMap::new();
        let mut by_first: HashMap<u32, Vec<(usize, Vec<u32>)>> = HashMap::new();
        for (term, text) in terms.iter().enumerate() {
            let phrase: Vec<u32> = words(text)
                .map(|it| {
                    let next = u32::try_from(stems.len()).unwrap_or(u32::MAX);
                    *stems.entry(stem(stemmer.as_ref(), it)).or_insert(next)
                })
                .collect();
            let Some(first) = phrase.first() else { continue };
            let alike = by_first.entry(*first).or_default();
            if alike.iter().all(|(_, it)| *it != phrase) {
                alike.push((term, phrase));
            }
        }
        Self { stemmer, stems, by_first }
    }

    /// Calls `found` with each term, each time that it comes up.
    fn count(&self, text: &str, mut found: impl FnMut(usize)) {
        let mut known: HashMap<String, Option<u32>> = HashMap::new();
        let stems: Vec<Option<u32>> = words(text)
            .map(|word| {
                if let Some(stem) = known.get(&word) {
                    return *stem;
                }
                let stem = self.stems.get(&stem(self.stemmer.as_ref(), word.clone())).copied();
                known.insert(word, stem);
                stem
            })
            .collect();
        for (at, first) in stems.iter().enumerate() {
            let Some(phrases) = first.and_then(|it| self.by_first.get(&it)) else { continue };
            for (term, phrase) in phrases {
                let here = stems.get(at..at + phrase.len()).unwrap_or_default();
                if !here.is_empty() && here.iter().zip(phrase).all(|(it, stem)| *it == Some(*stem))
                {
                    found(*term);
                }
            }
        }
    }
}

/// The words of a text, in lower case, however its accents are written. Where
/// words are not set apart, each character is one, with the signs that are
/// written above, below and beside it.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    let mut chars = text.nfc().peekable();
    std::iter::from_fn(move || {
        while chars.next_if(|it| !it.is_alphanumeric()).is_some() {}
        let first = chars.next()?;
        let mut word = String::from(first);
        let alone = stands_alone(first);
        let goes_on = |it: &char| {
            alone == stands_alone(*it)
                && if alone { is_combining_mark(*it) } else { it.is_alphanumeric() }
        };
        while let Some(next) = chars.next_if(goes_on) {
            word.push(next);
        }
        Some(word.to_lowercase())
    })
}

/// Whether it is of a script that sets no words apart.
fn stands_alone(character: char) -> bool {
    matches!(character,
        '\u{0E00}'..='\u{0EFF}' // Thai, Lao
        | '\u{1000}'..='\u{109F}' | '\u{A9E0}'..='\u{A9FF}' | '\u{AA60}'..='\u{AA7F}' // Myanmar
        | '\u{1780}'..='\u{17FF}' // Khmer
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' // Kana
        | '\u{FF66}'..='\u{FF9F}'
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' // Han
        | '\u{20000}'..='\u{3FFFF}'
    )
}

fn stem(stemmer: Option<&Stemmer>, word: String) -> String {
    match stemmer {
        Some(stemmer) => stemmer.stem(&word).into_owned(),
        None => word,
    }
}
