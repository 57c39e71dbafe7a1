//! How fast a site of five thousand pages is crawled, and how much memory it
//! takes, with nothing held back out of politeness.
//!
//! The peer is Scrapy, in an environment of its own that is made when it is
//! first needed. It is run with several numbers of requests at a time, and its
//! best run counts. Each side is one process; the database of ours is not in
//! its memory, and neither is the file of the peer's.

mod greffe;
mod scrapy;

use anyhow::Context;
use serde::{Deserialize, Serialize};

pub(crate) use greffe::{CHILD, child};

use self::scrapy::Scrapy;
use crate::{
    append,
    figure::{Figure, Report, median},
    server::Bench,
    site::{PAGES, Site},
};

/// Requests at a time that the peer is tried with, once each.
const CONCURRENCIES: [u32; 3] = [16, 32, 64];

/// What a crawl came to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Crawled {
    pages: u32,
    seconds: f64,
    /// The most memory that the process had, in kibibytes.
    peak_kib: u64,
}

impl Crawled {
    fn rate(&self) -> f64 {
        f64::from(self.pages) / self.seconds
    }

    #[expect(clippy::cast_precision_loss, reason = "no memory is that large")]
    fn peak_mib(&self) -> f64 {
        self.peak_kib as f64 / 1024.0
    }
}

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let scrapy = Scrapy::installed().await.context("install Scrapy from PyPI")?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for concurrency in CONCURRENCIES {
        append::prepare(bench, report).await?;
        let site = Site::start().await?;
        let crawled = scrapy.crawl(site.url(), concurrency).await.context("crawl with Scrapy")?;
        theirs.push(checked(crawled, site).await?);
        append::prepare(bench, report).await?;
        let site = Site::start().await?;
        let crawled = greffe::run(bench, site.url()).await.context("crawl with Greffe")?;
        ours.push(checked(crawled, site).await?);
    }
    let best = theirs.iter().map(Crawled::rate).fold(0.0, f64::max);
    let least = theirs.iter().map(Crawled::peak_mib).fold(f64::INFINITY, f64::min);
    let rate = median(ours.iter().map(Crawled::rate).collect());
    let peak = median(ours.iter().map(Crawled::peak_mib).collect());
    let pages = Figure::rate("crawl", rate, ("scrapy", best), 2.0);
    report.add(&Figure { unit: "pages/s", ..pages });
    let memory = Figure::delay("crawl-memory", peak, ("scrapy", least), 2.0);
    report.add(&Figure { unit: "MiB", ..memory });
    Report::remark(&format!("crawl ours {}, scrapy {}", told(&ours), told(&theirs)));
    Ok(())
}

/// Every page was asked for, and taken in.
async fn checked(crawled: Crawled, site: Site) -> anyhow::Result<Crawled> {
    let served = site.end().await?;
    anyhow::ensure!(crawled.pages == PAGES, "{} pages of {PAGES}", crawled.pages);
    anyhow::ensure!(u64::from(PAGES) <= served, "{served} pages were asked for");
    Ok(crawled)
}

fn told(all: &[Crawled]) -> String {
    let told = |it: &Crawled| format!("{:.0} pages/s in {:.0} MiB", it.rate(), it.peak_mib());
    all.iter().map(told).collect::<Vec<_>>().join(" / ")
}
