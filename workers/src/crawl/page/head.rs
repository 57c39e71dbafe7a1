//! What a page says about itself.

use std::sync::LazyLock;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};
use dom_query::{Document, Matcher, NodeRef};
use domain::Timestamp;
use serde_json::Value;
use url::Url;

use super::{DESCRIPTION_BYTES_MAX, TITLE_BYTES_MAX, line};
use crate::crawl::link;

/// Where the date of publication is told, the best place first.
const DATES: [&str; 7] = [
    "article:published_time",
    "datepublished",
    "dc.date",
    "dcterms.issued",
    "dcterms.created",
    "date",
    "pubdate",
];

/// How deep a description of the page as data is looked into.
const DATA_DEPTH_MAX: u8 = 6;

static META: LazyLock<Matcher> = LazyLock::new(|| matcher("meta[content]"));
static HTML: LazyLock<Matcher> = LazyLock::new(|| matcher("html"));
static BASE: LazyLock<Matcher> = LazyLock::new(|| matcher("base[href]"));
static TITLE: LazyLock<Matcher> = LazyLock::new(|| matcher("title, h1"));
static CANONICAL: LazyLock<Matcher> = LazyLock::new(|| matcher("link[rel~='canonical'][href]"));
static DATA: LazyLock<Matcher> = LazyLock::new(|| matcher("script[type='application/ld+json']"));
static TIME: LazyLock<Matcher> = LazyLock::new(|| matcher("time[datetime]"));

/// What a page says about itself.
pub(super) struct Head {
    /// What its links are relative to.
    pub(super) base: Url,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) language: Option<String>,
    pub(super) canonical: Option<Url>,
    pub(super) published_at: Option<Timestamp>,
    pub(super) no_index: bool,
    pub(super) no_follow: bool,
}

impl Head {
    pub(super) fn of(document: &Document, url: &Url) -> Self {
        let base = attribute(document, &BASE, "href").and_then(|it| url.join(it.trim()).ok());
        let base = base.unwrap_or_else(|| url.clone());
        let meta = Meta::of(document);
        let title = meta.first(&["og:title", "twitter:title"]).map(str::to_owned);
        let title = title.or_else(|| {
            let titles = document.select_matcher(&TITLE);
            let mut titles = titles.nodes().iter().map(|it| it.text().to_string());
            titles.find(|it| !it.trim().is_empty())
        });
        let description = meta.first(&["og:description", "twitter:description", "description"]);
        let canonical = attribute(document, &CANONICAL, "href");
        let canonical = canonical.as_deref().or_else(|| meta.first(&["og:url"]));
        let robots = meta.first(&["robots"]).unwrap_or_default().to_ascii_lowercase();
        let forbids = |it: &str| robots.split([',', ' ']).any(|word| word == it || word == "none");
        let language = attribute(document, &HTML, "lang")
            .or_else(|| meta.first(&["content-language", "language"]).map(str::to_owned));
        Self {
            title: title.and_then(|it| line(&it, TITLE_BYTES_MAX)),
            description: description.and_then(|it| line(it, DESCRIPTION_BYTES_MAX)),
            language,
            canonical: canonical.and_then(|it| link::resolve(&base, it)),
            published_at: published_at(document, &meta),
            no_index: forbids("noindex"),
            no_follow: forbids("nofollow"),
            base,
        }
    }
}

/// What stands in `meta` elements, by name.
struct Meta(Vec<(String, String)>);

impl Meta {
    fn of(document: &Document) -> Self {
        let found = document.select_matcher(&META);
        Self(found.nodes().iter().filter_map(named).collect())
    }

    /// What stands under the first of these names that says something.
    fn first(&self, names: &[&str]) -> Option<&str> {
        let under = |name: &&str| {
            let mut all = self.0.iter().filter(|(it, _)| it == name);
            all.find(|(_, value)| !value.trim().is_empty()).map(|(_, value)| value.as_str())
        };
        names.iter().find_map(under)
    }
}

fn named(node: &NodeRef<'_>) -> Option<(String, String)> {
    let name =
        ["property", "name", "itemprop", "http-equiv"].iter().find_map(|it| node.attr(it))?;
    Some((name.trim().to_ascii_lowercase(), node.attr("content")?.to_string()))
}

fn published_at(document: &Document, meta: &Meta) -> Option<Timestamp> {
    if let Some(at) = DATES.iter().find_map(|it| instant(meta.first(&[it])?)) {
        return Some(at);
    }
    let data = document.select_matcher(&DATA);
    let data = data.nodes().iter().filter_map(|it| serde_json::from_str::<Value>(&it.text()).ok());
    data.into_iter()
        .find_map(|it| date_in(&it, DATA_DEPTH_MAX))
        .or_else(|| instant(&attribute(document, &TIME, "datetime")?))
}

fn date_in(data: &Value, depth: u8) -> Option<Timestamp> {
    let depth = depth.checked_sub(1)?;
    match data {
        Value::Array(items) => items.iter().find_map(|it| date_in(it, depth)),
        Value::Object(fields) => fields
            .get("datePublished")
            .and_then(|it| instant(it.as_str()?))
            .or_else(|| fields.values().find_map(|it| date_in(it, depth))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// An instant as people write it; a day is its beginning, and a time without a
/// zone is universal.
fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let zoned = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z"))
        .or_else(|_| DateTime::parse_from_rfc2822(text))
        .map(|it| it.to_utc());
    let local = || {
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
            .iter()
            .find_map(|it| NaiveDateTime::parse_from_str(text, it).ok())
    };
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    let at = zoned.ok().or_else(|| Some(local().or_else(day)?.and_utc()))?;
    (1_000..=9_999).contains(&at.year()).then_some(at)
}

fn attribute(document: &Document, matcher: &Matcher, name: &str) -> Option<String> {
    document.select_single_matcher(matcher).attr(name).map(|it| it.to_string())
}

/// A selector of ours.
pub(super) fn matcher(selector: &str) -> Matcher {
    Matcher::new(selector).expect("the selector is well-formed")
}

#[cfg(test)]
mod tests {
    use super::instant;

    #[test]
    fn dates_are_understood_as_people_write_them() {
        for (text, expected) in [
            ("2024-03-01T10:00:00+02:00", "2024-03-01T08:00:00+00:00"),
            ("2024-03-01T10:00:00+0200", "2024-03-01T08:00:00+00:00"),
            ("2024-03-01T10:00:00Z", "2024-03-01T10:00:00+00:00"),
            (" 2024-03-01T10:00:00 ", "2024-03-01T10:00:00+00:00"),
            ("2024-03-01 10:00", "2024-03-01T10:00:00+00:00"),
            ("2024-03-01", "2024-03-01T00:00:00+00:00"),
            ("Fri, 01 Mar 2024 10:00:00 GMT", "2024-03-01T10:00:00+00:00"),
        ] {
            assert_eq!(instant(text).unwrap().to_rfc3339(), expected, "{text}");
        }
        for text in ["", "yesterday", "2024-13-01", "0001-01-01", "01/03/2024"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
