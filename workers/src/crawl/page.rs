//! What a page says: about itself, in its readable part, and where it leads.
//! The page is taken apart once, by the rules of browsers; the readable part is
//! found as the reading view of a browser finds it.

mod head;
mod links;

use domain::{Timestamp, artifact::Sha256};
use serde::Serialize;
use sha2::Digest;
use url::Url;

use super::{
    language,
    link::MediaKind,
    relevance::{Dictionary, Relevance, words},
    weight,
};
use head::Head;

/// Below this, another way to find the readable part is tried.
const READABLE_CHARS_MIN: usize = 100;

/// What is no text of the page when no part of it stands out as readable.
const NOT_READ: [&str; 10] =
    ["head", "meta", "script", "style", "noscript", "template", "nav", "footer", "aside", "form"];

/// The longest that a page may say of itself, in bytes.
const TITLE_BYTES_MAX: usize = 1_000;
const DESCRIPTION_BYTES_MAX: usize = 4_000;

/// What a page says.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) language: Option<String>,
    pub(super) canonical: Option<Url>,
    pub(super) published_at: Option<Timestamp>,
    /// The readable part, as Markdown.
    pub(super) text: String,
    pub(super) content: Sha256,
    pub(super) words: u32,
    pub(super) relevance: Relevance,
    pub(super) media: Vec<Media>,
    /// The pages that it links to.
    pub(super) links: Vec<Url>,
    /// It wants to be in no list.
    pub(super) is_private: bool,
}

/// Something to see, to hear or to read that comes with a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Media {
    pub(super) url: String,
    pub(super) kind: MediaKind,
}

/// It would take too long, or too much memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooComplex;

/// Takes a page apart.
pub(super) fn of_html(html: &str, url: &Url, dictionary: &Dictionary) -> Result<Page, TooComplex> {
    let document = weight::take_apart(html).ok_or(TooComplex)?;
    let head = Head::of(&document, url);
    let found = links::of(&document, &head);
    let text = match readable(document, url) {
        Some(text) => text,
        None => weight::take_apart(html).ok_or(TooComplex)?.md(Some(&NOT_READ)).to_string(),
    };
    let page = of_text(&text, head.title.as_deref(), head.language.as_deref(), dictionary);
    Ok(Page {
        title: head.title,
        description: head.description,
        canonical: head.canonical,
        published_at: head.published_at,
        media: found.media,
        links: if head.no_follow { Vec::new() } else { found.pages },
        is_private: head.no_index,
        ..page
    })
}

/// A page that is nothing but text.
pub(super) fn of_text(
    text: &str,
    title: Option<&str>,
    said: Option<&str>,
    dictionary: &Dictionary,
) -> Page {
    let text = text.trim().replace('\0', "\u{FFFD}");
    let plain = without_targets(&text);
    let language = language::of_page(said, &plain);
    let relevance = dictionary.relevance(title.unwrap_or_default(), &plain, language.as_deref());
    Page {
        title: None,
        description: None,
        language,
        canonical: None,
        published_at: None,
        content: Sha256::new(sha2::Sha256::digest(&text).into()),
        words: u32::try_from(words(&plain).count()).unwrap_or(u32::MAX),
        relevance,
        text,
        media: Vec::new(),
        links: Vec::new(),
        is_private: false,
    }
}

/// The readable part, as Markdown; nothing if none stands out.
fn readable(document: dom_query::Document, url: &Url) -> Option<String> {
    let config = dom_smoothie::Config {
        text_mode: dom_smoothie::TextMode::Markdown,
        char_threshold: READABLE_CHARS_MIN,
        disable_json_ld: true,
        ..dom_smoothie::Config::default()
    };
    let reading =
        dom_smoothie::Readability::with_document(document, Some(url.as_str()), Some(config));
    let article = reading.ok()?.parse().ok()?;
    let text = article.text_content.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Markdown without the addresses that its links lead to: words in them are
/// nobody's words.
fn without_targets(markdown: &str) -> String {
    let mut plain = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some(at) = rest.find("](") {
        plain.push_str(&rest[..=at]);
        rest = &rest[at + 2..];
        let mut open = 1_i32;
        let end = rest.find(|it| {
            open += i32::from(it == '(') - i32::from(it == ')');
            open == 0 || it == '\n'
        });
        rest = end.map_or("", |it| &rest[it..]);
        rest = rest.strip_prefix(')').unwrap_or(rest);
    }
    plain.push_str(rest);
    plain
}

/// One line, of this length at most; nothing if it is blank.
fn line(text: &str, bytes_max: usize) -> Option<String> {
    let mut line = String::with_capacity(text.len().min(bytes_max));
    for word in text.split(|it: char| it.is_whitespace() || it.is_control()) {
        if word.is_empty() {
            continue;
        }
        if bytes_max < line.len() + word.len() + 1 {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::without_targets;

    #[test]
    fn words_in_addresses_are_nobodys_words() {
        for (markdown, plain) in [
            ("no links", "no links"),
            ("[the light](http://a.example/lighthouse) there", "[the light] there"),
            ("![tower](/a_(b)_c.jpg), [x](y)", "![tower], [x]"),
            ("[open](http://a.example/\nnext line", "[open]\nnext line"),
            ("f[0](1", "f[0]"),
        ] {
            assert_eq!(without_targets(markdown), plain);
        }
    }
}
