//! The second job of the demonstration: a small site, crawled over real HTTP.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

use anyhow::Context;
use serde::Deserialize;
use serde_json::json;
use tokio::fs;

use super::{client::Client, site::Site};
use crate::console;

/// Where the site is served: an address that no crawl may go to, unless an
/// operator says so.
pub(super) const SITE_HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What makes a page of the site relevant.
const TERMS: [&str; 3] = ["lighthouse", "keeper", "phare"];

/// A page, as the table at the end tells of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    url: String,
    state: String,
    status: Option<u16>,
    relevance: Option<u64>,
    language: Option<String>,
    exclusion: Option<String>,
    duplicate_of: Option<u64>,
    error: Option<PageError>,
}

/// Why a page is not in the corpus.
#[derive(Debug, Deserialize)]
struct PageError {
    message: String,
}

impl Page {
    /// Why it is not in the corpus, in a few words.
    fn why_not(&self) -> String {
        let of = self.duplicate_of.map(|it| format!("the same as page {it}"));
        let error = self.error.as_ref().map(|it| it.message.clone());
        of.or(error).or_else(|| self.exclusion.clone()).unwrap_or_default()
    }
}

/// Serves the site, where it was served last if that can be: a crawl that was
/// left unfinished goes on there.
pub(super) async fn serve_site(own: &Path) -> anyhow::Result<Site> {
    let file = own.join("site");
    let last = fs::read_to_string(&file).await.ok().and_then(|it| it.trim().parse().ok());
    let site = match last {
        Some(last) => Site::start(last).await.ok(),
        None => None,
    };
    let site = match site {
        Some(site) => site,
        None => Site::start(SocketAddr::new(SITE_HOST, 0)).await?,
    };
    fs::create_dir_all(own).await.context("cannot make a folder for the demonstration")?;
    let noted = fs::write(&file, site.address().to_string()).await;
    noted.context("cannot note where the site is")?;
    Ok(site)
}

/// Has the site crawled that is served at `site`; gives the job's id.
pub(super) async fn start(client: &Client, site: SocketAddr) -> anyhow::Result<String> {
    let input = json!({
        "seeds": [format!("http://{site}/")],
        "terms": TERMS,
        "depth": 3,
        "limit": 100,
    });
    client.create("startCrawl", "StartCrawlInput", "crawl", input).await
}

/// What became of each page.
pub(super) async fn tell(client: &Client, job: &str, end: u64) -> anyhow::Result<()> {
    let query = "query($id: ID!, $atLeast: Position) { \
                 pages(crawlId: $id, atLeast: $atLeast, first: 100, orderBy: NUMBER) { nodes { \
                 url state status relevance language \
                 exclusion duplicateOf error { message } } } }";
    let variables = json!({ "id": job, "atLeast": end.to_string() });
    let pages: Vec<Page> = client.ask(query, variables, "/pages/nodes").await?;
    let rows: Vec<[String; 6]> = pages
        .into_iter()
        .map(|it| {
            let path = it.url.splitn(4, '/').nth(3).unwrap_or_default();
            let why_not = it.why_not();
            [
                format!("/{path}"),
                it.state,
                it.status.map_or_else(String::new, |it| it.to_string()),
                it.language.unwrap_or_default(),
                it.relevance.map_or_else(String::new, |it| it.to_string()),
                why_not,
            ]
        })
        .collect();
    console::say(format_args!("\nwhat became of the pages of crawl {job}"));
    console::table(["page", "state", "status", "language", "relevance", "why not"], &rows);
    Ok(())
}
