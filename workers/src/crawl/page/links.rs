//! Where a page leads, and what there is to see and hear on it.

use std::{collections::HashSet, sync::LazyLock};

use dom_query::{Document, Matcher};
use url::Url;

use super::{
    Media,
    head::{Head, matcher},
};
use crate::crawl::link::{self, MediaKind};

/// How many links of a page are looked at.
const LINKS_MAX: usize = 2_000;

/// How many pictures and the like are listed with a page.
const MEDIA_MAX: usize = 200;

static LINKS: LazyLock<Matcher> = LazyLock::new(|| matcher("a[href], area[href]"));
static SHOWN: LazyLock<Matcher> = LazyLock::new(|| {
    matcher("img[src], video[src], audio[src], video source[src], audio source[src]")
});

/// Where a page leads.
#[derive(Default)]
pub(super) struct Found {
    pub(super) pages: Vec<Url>,
    pub(super) media: Vec<Media>,
}

/// Each target once, in the order of the page.
pub(super) fn of(document: &Document, head: &Head) -> Found {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    for node in document.select_matcher(&LINKS).nodes().iter().take(LINKS_MAX) {
        let Some(url) = node.attr("href").and_then(|it| link::resolve(&head.base, &it)) else {
            continue;
        };
        let kind = link::media(&url);
        let rel = node.attr("rel").unwrap_or_default().to_ascii_lowercase();
        if kind.is_none() && rel.split_ascii_whitespace().any(|it| it == "nofollow") {
            continue;
        }
        if !seen.insert(url.clone()) {
            continue;
        }
        match kind {
            Some(kind) => found.lists(url, kind),
            None => found.pages.push(url),
        }
    }
    for node in document.select_matcher(&SHOWN).nodes().iter().take(LINKS_MAX) {
        let Some(url) = node.attr("src").and_then(|it| link::resolve(&head.base, &it)) else {
            continue;
        };
        let name = node.node_name().unwrap_or_default().to_string();
        let holder = node.parent().and_then(|it| it.node_name()).unwrap_or_default().to_string();
        let kind = match (name.as_str(), holder.as_str()) {
            ("img", _) => MediaKind::Img,
            ("audio", _) | (_, "audio") => MediaKind::Audio,
            _ => MediaKind::Video,
        };
        if seen.insert(url.clone()) {
            found.lists(url, kind);
        }
    }
    found
}

impl Found {
    fn lists(&mut self, url: Url, kind: MediaKind) {
        if self.media.len() < MEDIA_MAX {
            self.media.push(Media { url: url.into(), kind });
        }
    }
}
