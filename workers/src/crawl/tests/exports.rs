//! The corpus as other programs read it.

use domain::job::CrawlSpec;

use super::{
    site::{Reply, Site, html},
    world::{crawl, engine, settings, spec},
};
use crate::crawl::export::{Graph, Table};

/// The two files of a crawl of a small site.
async fn exported() -> (Vec<Vec<String>>, String, Site) {
    let site = Site::start().await;
    let elsewhere = site.url("/b").replace("127.0.0.1", "localhost");
    let links = ["/a", &elsewhere, "/missing", "/copy", "/was-here"];
    site.page("/", "north & \"south\"", &links);
    // Found here, and really there.
    let really = site.url("/c").replace("127.0.0.1", "localhost");
    site.reply("/was-here", Reply::Redirect(really));
    site.page("/c", "moved", &[&elsewhere]);
    site.page("/a", "east", &["/", "/a"]);
    site.page("/b", "west", &[&site.url("/")]);
    site.reply("/copy", Reply::Html(html("east", &["/", "/a"])));
    let spec = CrawlSpec { depth: 1, ..spec(&[site.url("/")]) };
    let crawled = crawl(spec.clone()).await;
    let mut engine = engine(spec, settings());
    crawled.events.iter().for_each(|it| engine.recall(it));
    let (frontier, corpus) = (&engine.frontier, &engine.corpus);
    let mut table = Table::default();
    let (mut csv, mut gexf) = (Table::head(), Graph::head());
    for pages in &crawled.events {
        csv.extend(table.rows(pages, frontier));
        gexf.extend(Graph::nodes(pages, frontier));
    }
    gexf.extend(Graph::between());
    for pages in &crawled.events {
        gexf.extend(Graph::edges(pages, corpus, &table));
    }
    gexf.extend(Graph::tail());
    let rows = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_slice());
    let rows = rows.into_records().map(|it| it.unwrap().iter().map(str::to_owned).collect());
    (rows.collect(), String::from_utf8(gexf).unwrap(), site)
}

/// Must never: `None` in a CSV.
#[tokio::test]
async fn the_table_has_a_row_for_each_kept_page_and_nothing_where_nothing_is_known() {
    let (rows, _, site) = exported().await;
    assert_eq!(rows[0][..5], ["id", "url", "title", "description", "relevance"]);
    assert_eq!(rows.len(), 5, "{rows:?}");
    let first = &rows[1];
    assert_eq!(first[..4], ["0", &site.url("/"), "north & \"south\"", ""]);
    assert_eq!(first[5..10], ["0", "1", "127.0.0.1", "en", ""]);
    assert!(rows.iter().flatten().all(|it| it != "None"));
    let domains: Vec<&str> = rows[1..].iter().map(|it| it[6].as_str()).collect();
    assert!(domains.contains(&"2"), "{domains:?}");
}

/// Must never: a graph without edges.
#[tokio::test]
async fn the_graph_has_real_edges_between_kept_pages() {
    let (rows, gexf, _site) = exported().await;
    assert!(gexf.contains("label=\"http://127.0.0.1"));
    assert!(gexf.contains("value=\"north &amp; &quot;south&quot;\""));
    let relevance = &rows[1][4];
    assert!(gexf.contains(&format!("<viz:size value=\"{relevance}\"/>")));
    assert_eq!(gexf.matches("<node ").count(), 4);
    let edges: Vec<&str> = gexf.lines().filter(|it| it.starts_with("<edge ")).collect();
    assert_eq!(edges.len(), 6, "there and back: {edges:?}");
    let id = |path: &str| rows.iter().find(|it| it[1].ends_with(path)).unwrap()[0].as_str();
    let crosses = |from: &str, to: &str| {
        let edge = format!("<edge id=\"{}_{}\"", id(from), id(to));
        edges.iter().find(|it| it.starts_with(&edge)).unwrap().contains("value=\"true\"")
    };
    // Two pages say the same: the one that came first is kept.
    let east = if rows.iter().any(|it| it[1].ends_with("/a")) { "/a" } else { "/copy" };
    assert!(crosses("/", "/b") && crosses("/b", "/") && !crosses("/", east), "{edges:?}");
    assert!(crosses("/", "/c") && !crosses("/c", "/b"), "a page is where it is in the end");
    assert!(!gexf.contains("missing"));
}
