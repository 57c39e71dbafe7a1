//! How a crawl behaves towards those whose pages it reads.

use std::time::{Duration, Instant};

use domain::job::{Exclusion, PageOutcome};

use super::{
    site::{Reply, Site},
    world::{crawl, crawl_with, settings, spec},
};
use crate::crawl::Settings;

/// Must never: a site crawled whose robots.txt forbids it, or is not even read.
#[tokio::test]
async fn what_a_site_asks_not_to_fetch_is_not_fetched() {
    let site = Site::start().await;
    let rules = b"User-agent: *\nDisallow: /private\n".to_vec();
    site.reply("/robots.txt", Reply::Bytes("text/plain", rules));
    site.page("/", "north", &["/private/1", "/open", "/leads-there"]);
    site.page("/private/1", "east", &[]);
    site.page("/open", "south", &[]);
    site.reply("/leads-there", Reply::Redirect("/private/2".to_owned()));
    let crawled = crawl(spec(&[site.url("/")])).await;
    let robots = PageOutcome::Excluded { reason: Exclusion::Robots };
    assert_eq!(*crawled.outcome(&site.url("/private/1")), robots);
    assert_eq!(*crawled.outcome(&site.url("/leads-there")), robots, "nor through a redirect");
    assert_eq!(crawled.corpus(), ["/", "/open"]);
    let asked = ["/robots.txt", "/private/1", "/private/2"].map(|it| site.asked(it));
    assert_eq!(asked, [1, 0, 0], "the rules are read once");
}

#[tokio::test]
async fn a_site_whose_rules_cannot_be_had_is_left_alone_for_now() {
    let site = Site::start().await;
    site.page("/", "north", &[]);
    site.reply("/robots.txt", Reply::Status(503));
    let crawled = crawl(spec(&[site.url("/")])).await;
    assert_eq!(crawled.error(&site.url("/")), (Some(503), "robots_unavailable"));
    assert_eq!(site.asked("/"), 0);
    assert!(crawled.failure.unwrap().retryable);
}

#[tokio::test]
async fn a_site_without_rules_is_open_and_rules_may_be_elsewhere() {
    let site = Site::start().await;
    site.page("/", "north", &["/a"]);
    site.page("/a", "east", &[]);
    site.reply("/robots.txt", Reply::Redirect("/rules".to_owned()));
    site.reply("/rules", Reply::Bytes("text/plain", b"User-agent: *\nDisallow: /a".to_vec()));
    assert_eq!(crawl(spec(&[site.url("/")])).await.corpus(), ["/"]);
    site.reply("/robots.txt", Reply::Status(403));
    assert_eq!(crawl(spec(&[site.url("/")])).await.corpus(), ["/", "/a"]);
    site.reply("/robots.txt", Reply::Redirect("/robots.txt".to_owned()));
    assert_eq!(crawl(spec(&[site.url("/")])).await.corpus(), ["/", "/a"]);
}

#[tokio::test]
async fn a_host_is_asked_no_faster_than_it_wants() {
    let site = Site::start().await;
    let rules = b"User-agent: *\nCrawl-delay: 0.2\n".to_vec();
    site.reply("/robots.txt", Reply::Bytes("text/plain", rules));
    site.page("/", "north", &["/a", "/b", "/c"]);
    for path in ["/a", "/b", "/c"] {
        site.page(path, path, &[]);
    }
    let start = Instant::now();
    assert_eq!(crawl(spec(&[site.url("/")])).await.corpus().len(), 4);
    assert!(Duration::from_millis(400) <= start.elapsed());

    let quicker = Settings { delay_max: Duration::ZERO, ..settings() };
    let start = Instant::now();
    crawl_with(spec(&[site.url("/")]), quicker).await;
    assert!(start.elapsed() < Duration::from_millis(400), "what it wants is capped");
}

#[tokio::test]
async fn we_say_who_we_are() {
    let site = Site::start().await;
    site.page("/", "north", &[]);
    let about = Some("https://greffe.example/about".to_owned());
    crawl_with(spec(&[site.url("/")]), Settings { about, ..settings() }).await;
    let name = format!("Greffe/{} (+https://greffe.example/about)", env!("CARGO_PKG_VERSION"));
    assert_eq!([site.agent("/robots.txt"), site.agent("/")], [name.clone(), name]);
}
