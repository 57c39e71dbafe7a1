//! One page: eight kilobytes of HTML as an ordinary site writes it, always the
//! same for the same number, and different from all others.

use std::fmt::{self, Write};

use super::PAGES;

/// Links of one page: a tree in which every page is reached within four steps.
const LINKS: u32 = 20;

/// How many of them are in the page's navigation; the others are in its text.
const NAVIGATION: u32 = 5;

const PARAGRAPHS: u32 = 8;

const WORDS_OF_A_PARAGRAPH: u32 = 115;

/// A word of every title.
pub(super) const TERM: &str = "harbour";

const WORDS: &[&str] = &[
    "harbour", "tide", "vessel", "cargo", "lantern", "quay", "anchor", "current", "captain",
    "storm", "rope", "signal", "channel", "island", "market", "winter", "letter", "village",
    "engine", "bridge", "record", "season", "company", "passage", "measure", "question", "water",
    "morning", "history", "council", "trade", "weather", "report", "station", "language",
    "journey", "the", "of", "and", "in", "to", "was", "with", "by", "for", "which", "after",
    "under", "between", "a", "from", "before", "their", "every", "along", "without", "during",
    "against",
];

pub(super) fn path(number: u32) -> String {
    format!("/notes/{number}.html")
}

/// Which page is at a path.
pub(super) fn number(path: &str) -> Option<usize> {
    path.strip_prefix("/notes/")?.strip_suffix(".html")?.parse().ok()
}

pub(super) fn html(number: u32) -> String {
    let mut text = String::with_capacity(9_000);
    // Writing to a string does not fail.
    write_page(&mut text, number).expect("a string takes all that is written");
    text
}

fn write_page(to: &mut String, number: u32) -> fmt::Result {
    let mut words = Words(u64::from(number) + 1);
    write!(
        to,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>Notes from the {TERM}, part {number}</title>\n\
         <meta name=\"description\" content=\"Part {number} of the notes that were kept there.\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"canonical\" href=\"{}\">\n<link rel=\"stylesheet\" href=\"/site.css\">\n\
         <script>document.documentElement.className = \"js\";</script>\n</head>\n<body>\n\
         <header class=\"top\"><nav aria-label=\"Sections\"><ul>\n",
        path(number)
    )?;
    let mut links = links(number);
    for link in links.by_ref().take(NAVIGATION as usize) {
        let label = words.next();
        writeln!(to, "<li class=\"item\"><a href=\"{}\">{label}</a></li>", path(link))?;
    }
    write!(to, "</ul></nav></header>\n<main>\n<article>\n<h1>Notes, part {number}</h1>\n")?;
    for paragraph in 0..PARAGRAPHS {
        if paragraph % 3 == 0 {
            writeln!(to, "<h2 id=\"s{paragraph}\">Of {} and {}</h2>", words.next(), words.next())?;
        }
        to.push_str("<p>");
        for _ in 0..WORDS_OF_A_PARAGRAPH {
            write!(to, "{} ", words.next())?;
        }
        for link in links.by_ref().take(2) {
            write!(to, "<a class=\"ref\" href=\"{}\">part {link}</a>, ", path(link))?;
        }
        writeln!(to, "{}.</p>", words.next())?;
    }
    write!(
        to,
        "<figure><img src=\"/images/{number}.jpg\" alt=\"{}\"></figure>\n</article>\n</main>\n\
         <footer class=\"bottom\"><p>Kept since 1871.</p></footer>\n</body>\n</html>\n",
        words.next()
    )
}

fn links(number: u32) -> impl Iterator<Item = u32> {
    (1..=LINKS).map(move |nth| (number * LINKS + nth) % PAGES)
}

/// Words as good as drawn at random.
struct Words(u64);

impl Words {
    fn next(&mut self) -> &'static str {
        // Xorshift: a number that is not zero goes through all others.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        WORDS[usize::try_from(self.0 >> 33).unwrap_or_default() % WORDS.len()]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_page_is_reached_from_the_first() {
        let mut found = BTreeSet::from([0]);
        let mut open = vec![0];
        while let Some(number) = open.pop() {
            open.extend(links(number).filter(|it| found.insert(*it)));
        }
        assert_eq!(found.len(), PAGES as usize);
    }

    #[test]
    fn pages_are_as_long_as_ordinary_ones_and_no_two_are_alike() {
        let pages: BTreeSet<String> = (0..200).map(html).collect();
        assert_eq!(pages.len(), 200);
        for page in pages {
            assert!((7_500..9_000).contains(&page.len()), "{} bytes", page.len());
            assert_eq!(page.matches("<a ").count(), LINKS as usize);
        }
    }

    #[test]
    fn a_page_is_found_at_its_path() {
        assert_eq!(number(&path(4_999)), Some(4_999));
        assert_eq!(number("/notes/x.html"), None);
        assert_eq!(number("/robots.txt"), None);
    }
}
