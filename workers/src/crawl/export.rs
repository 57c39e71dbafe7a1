//! The corpus as files that other programs read: the pages as CSV, and how they
//! link to each other as GEXF. Written piece by piece, from what is recorded.

use std::collections::HashMap;

use domain::job::{KeptPage, PageOutcome, PagesVisited};
use url::Url;

use super::{corpus::Corpus, frontier::Frontier, link};

/// The columns of the table of pages.
const COLUMNS: [&str; 12] = [
    "id",
    "url",
    "title",
    "description",
    "relevance",
    "depth",
    "domain_id",
    "domain_name",
    "language",
    "published_at",
    "words",
    "canonical",
];

const GRAPH_HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<gexf xmlns="http://www.gexf.net/1.2draft" xmlns:viz="http://www.gexf.net/1.1draft/viz" version="1.2">
<graph mode="static" defaultedgetype="directed">
<attributes class="node">
<attribute id="title" title="title" type="string"/>
<attribute id="description" title="description" type="string"/>
<attribute id="domain" title="domain" type="string"/>
<attribute id="language" title="language" type="string"/>
<attribute id="relevance" title="relevance" type="integer"/>
<attribute id="depth" title="depth" type="integer"/>
</attributes>
<attributes class="edge">
<attribute id="crosses" title="crosses domains" type="boolean"/>
</attributes>
<nodes>
"#;
const GRAPH_BETWEEN: &str = "</nodes>\n<edges>\n";
const GRAPH_TAIL: &str = "</edges>\n</graph>\n</gexf>\n";

/// The table of the kept pages.
#[derive(Default)]
pub(super) struct Table {
    domains: HashMap<String, usize>,
    /// The domain of each page, which is where it is in the end.
    of_pages: HashMap<u32, usize>,
}

impl Table {
    pub(super) fn head() -> Vec<u8> {
        lines([COLUMNS.map(str::to_owned)])
    }

    /// The rows of the pages that are kept.
    pub(super) fn rows(&mut self, pages: &PagesVisited, frontier: &Frontier) -> Vec<u8> {
        lines(kept(pages).map(|(number, page)| {
            let depth = frontier.get(number).map_or(0, |it| it.depth);
            let domain = domain(&page.url);
            let next = self.domains.len() + 1;
            let domain_id = *self.domains.entry(domain.clone()).or_insert(next);
            self.of_pages.insert(number, domain_id);
            [
                number.to_string(),
                page.url.clone(),
                page.title.clone().unwrap_or_default(),
                page.description.clone().unwrap_or_default(),
                page.relevance.to_string(),
                depth.to_string(),
                domain_id.to_string(),
                domain,
                page.language.clone().unwrap_or_default(),
                page.published_at.map(|it| it.to_rfc3339()).unwrap_or_default(),
                page.words.to_string(),
                page.canonical.clone().unwrap_or_default(),
            ]
        }))
    }
}

/// How the kept pages link to each other.
pub(super) struct Graph;

impl Graph {
    pub(super) fn head() -> Vec<u8> {
        GRAPH_HEAD.into()
    }

    pub(super) fn between() -> Vec<u8> {
        GRAPH_BETWEEN.into()
    }

    pub(super) fn tail() -> Vec<u8> {
        GRAPH_TAIL.into()
    }

    pub(super) fn nodes(pages: &PagesVisited, frontier: &Frontier) -> Vec<u8> {
        let nodes = kept(pages).map(|(number, page)| {
            let depth = frontier.get(number).map_or(0, |it| it.depth);
            let values = [
                ("title", escaped(page.title.as_deref().unwrap_or_default())),
                ("description", escaped(page.description.as_deref().unwrap_or_default())),
                ("domain", escaped(&domain(&page.url))),
                ("language", escaped(page.language.as_deref().unwrap_or_default())),
                ("relevance", page.relevance.to_string()),
                ("depth", depth.to_string()),
            ];
            let values = values.map(|(of, it)| format!("<attvalue for=\"{of}\" value=\"{it}\"/>"));
            format!(
                "<node id=\"{number}\" label=\"{}\"><attvalues>{}</attvalues>\
                 <viz:size value=\"{}\"/></node>\n",
                escaped(&page.url),
                values.concat(),
                page.relevance
            )
        });
        nodes.collect::<String>().into_bytes()
    }

    /// The links between kept pages; one to a page that turned out to be another
    /// leads to that one. The rows of all pages are in the table.
    pub(super) fn edges(pages: &PagesVisited, corpus: &Corpus, table: &Table) -> Vec<u8> {
        let mut edges = String::new();
        for page in &pages.visited {
            let (PageOutcome::Kept(_), number) = (&page.outcome, page.number) else { continue };
            let mut targets: Vec<u32> =
                page.links.iter().map(|it| corpus.stands_for(*it)).collect();
            targets.sort_unstable();
            targets.dedup();
            let domain = |it: u32| table.of_pages.get(&it);
            let from = domain(number);
            for target in targets.into_iter().filter(|it| *it != number && corpus.is_kept(*it)) {
                let crosses = from != domain(target);
                edges.extend([
                    &format!("<edge id=\"{number}_{target}\" source=\"{number}\" "),
                    &format!("target=\"{target}\" weight=\"1\"><attvalues>"),
                    &format!("<attvalue for=\"crosses\" value=\"{crosses}\"/>"),
                    "</attvalues></edge>\n",
                ]);
            }
        }
        edges.into_bytes()
    }
}

fn kept(pages: &PagesVisited) -> impl Iterator<Item = (u32, &KeptPage)> {
    pages.visited.iter().filter_map(|it| match &it.outcome {
        PageOutcome::Kept(page) => Some((it.number, page.as_ref())),
        PageOutcome::Duplicate { .. }
        | PageOutcome::Excluded { .. }
        | PageOutcome::Failed { .. } => None,
    })
}

fn domain(url: &str) -> String {
    Url::parse(url).map(|it| link::site(&it).to_owned()).unwrap_or_default()
}

/// What is not known is empty.
fn lines<const N: usize>(rows: impl IntoIterator<Item = [String; N]>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::Always)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    for row in rows {
        writer.write_record(&row).expect("rows have one length, and memory takes them");
    }
    writer.into_inner().expect("memory takes them")
}

/// As an attribute of XML, which has no place for most control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            it if it.is_control() || matches!(it, '\u{FFFE}' | '\u{FFFF}') => {}
            it => escaped.push(it),
        }
    }
    escaped
}
