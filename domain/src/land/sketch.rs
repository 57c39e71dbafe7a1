//! What a land is about, and what may be said of it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{LandChange, LandChanged};
use crate::{
    Refusal,
    job::{CrawlSpec, limit},
    weight,
};

/// What a land is about. It may be made before one knows its terms or where to
/// start; its crawls may not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sketch {
    /// What it is called.
    pub name: String,
    /// For humans.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The languages that its terms are in, as two letters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// The words and phrases that make a page relevant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<String>,
    /// Where its crawls start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub start_urls: Vec<String>,
}

impl Sketch {
    /// Refuses what no list could show, and what no crawl could start with.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.name.is_empty() {
            return Err(Refusal::invalid("name", "not blank"));
        }
        limit::text("name", &self.name, 256)?;
        limit::text("description", &self.description, 8 * 1024)?;
        CrawlSpec::check_languages(&self.languages)?;
        CrawlSpec::check_terms(&self.terms)?;
        CrawlSpec::check_addresses("startUrls", &self.start_urls)
    }

    /// Without blanks around, and with nothing twice.
    pub(super) fn tidied(self) -> Self {
        Self {
            name: self.name.trim().to_owned(),
            description: self.description.trim().to_owned(),
            languages: joined(self.languages, Vec::new()),
            terms: joined(self.terms, Vec::new()),
            start_urls: joined(self.start_urls, Vec::new()),
        }
    }

    /// What of a change is one.
    pub(super) fn difference(&self, asked: LandChange) -> LandChanged {
        let asked_languages = asked.languages.map(|it| joined(it, Vec::new()));
        let trimmed = |it: String| it.trim().to_owned();
        let added = |had: &[String], removed: &[String], added: Vec<String>| {
            let mut added = joined(added, Vec::new());
            added.retain(|it| !had.contains(it) || removed.contains(it));
            added
        };
        let gone = |had: &[String], added: &[String], removed: Vec<String>| {
            let mut removed = joined(removed, Vec::new());
            removed.retain(|it| had.contains(it) && !added.contains(it));
            removed
        };
        let terms_removed = gone(&self.terms, &asked.terms_added, asked.terms_removed);
        let urls_removed =
            gone(&self.start_urls, &asked.start_urls_added, asked.start_urls_removed);
        LandChanged {
            name: asked.name.map(trimmed).filter(|it| *it != self.name),
            description: asked.description.map(trimmed).filter(|it| *it != self.description),
            languages: asked_languages.filter(|it| *it != self.languages),
            terms_added: added(&self.terms, &terms_removed, asked.terms_added),
            terms_removed,
            start_urls_added: added(&self.start_urls, &urls_removed, asked.start_urls_added),
            start_urls_removed: urls_removed,
        }
    }

    /// What it takes in memory besides its own size.
    pub(super) fn weight(&self) -> usize {
        let lists = [&self.languages, &self.terms, &self.start_urls];
        let texts = weight::text(&self.name) + weight::text(&self.description);
        texts + lists.into_iter().map(weight::texts).sum::<usize>()
    }

    /// Takes in a change.
    pub fn change(&mut self, event: &LandChanged) {
        let replace = |old: &mut String, new: &Option<String>| {
            if let Some(new) = new {
                old.clone_from(new);
            }
        };
        replace(&mut self.name, &event.name);
        replace(&mut self.description, &event.description);
        if let Some(languages) = &event.languages {
            self.languages.clone_from(languages);
        }
        self.terms.retain(|it| !event.terms_removed.contains(it));
        self.terms.extend(event.terms_added.iter().cloned());
        self.start_urls.retain(|it| !event.start_urls_removed.contains(it));
        self.start_urls.extend(event.start_urls_added.iter().cloned());
    }
}

/// One list after the other, without blanks around, and with nothing twice.
pub(super) fn joined(first: Vec<String>, then: Vec<String>) -> Vec<String> {
    let mut known = HashSet::new();
    let all = first.into_iter().chain(then).map(|it| it.trim().to_owned());
    all.filter(|it| known.insert(it.clone())).collect()
}
