//! How a crawl behaves towards those whose pages it reads.

use std::time::{Duration, Instant};

use domain::job::{CrawlSpec, Exclusion, PageOutcome};

use super::{
    site::{Reply, Site, html},
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

/// Must never: a site lost because of one moment.
#[tokio::test]
async fn rules_that_cannot_be_had_for_a_moment_are_asked_for_again_and_lose_no_page() {
    for (times, status) in [(1, 503), (4, 500), (2, 429)] {
        let site = Site::start().await;
        site.page("/", "north", &["/a", "/private"]);
        site.page("/a", "east", &[]);
        let rules = "User-agent: *\nDisallow: /private";
        site.reply("/robots.txt", Reply::After(times, status, rules.to_owned()));
        let settings = Settings { retries: 4, ..settings() };
        let limited = CrawlSpec { pages_max: 3, ..spec(&[site.url("/")]) };
        let crawled = crawl_with(limited, settings).await;
        assert_eq!(crawled.corpus(), ["/", "/a"], "{status}");
        let robots = PageOutcome::Excluded { reason: Exclusion::Robots };
        assert_eq!(*crawled.outcome(&site.url("/private")), robots);
        assert_eq!((site.asked("/robots.txt"), site.asked("/private")), (times + 1, 0));
    }
}

/// It uses up nothing of what may be visited elsewhere.
#[tokio::test]
async fn a_host_whose_rules_cannot_be_had_at_all_is_given_up_with_all_its_pages() {
    let (site, gone) = (Site::start().await, Site::start().await);
    gone.reply("/robots.txt", Reply::Status(503));
    let elsewhere: Vec<String> = (0..40).map(|it| gone.url(&format!("/{it}"))).collect();
    let mut links: Vec<&str> = elsewhere.iter().map(String::as_str).collect();
    links.extend(["/a", "/b", "/c"]);
    site.page("/", "north", &links);
    site.page("/a", "east", &["/d"]);
    for path in ["/b", "/c", "/d"] {
        site.page(path, path, &[]);
    }
    let limited = CrawlSpec { pages_max: 25, ..spec(&[site.url("/")]) };
    let settings = Settings { retries: 0, at_once_per_host: 2, ..settings() };
    let crawled = crawl_with(limited, settings).await;
    assert_eq!(crawled.corpus(), ["/", "/a", "/b", "/c", "/d"]);
    for url in &elsewhere {
        assert_eq!(crawled.error(url), (Some(503), "robots_unavailable"));
    }
    assert!(gone.asked("/robots.txt") < 20, "{}", gone.asked("/robots.txt"));
}

/// Must never: a host that is asked on and on while it says that it is too much.
#[tokio::test]
async fn a_host_that_is_asked_too_much_is_left_alone_with_all_its_pages() {
    let site = Site::start().await;
    site.page("/", "north", &["/0", "/1", "/2", "/3", "/busy", "/always"]);
    for path in ["/0", "/1", "/2", "/3"] {
        site.page(path, path, &[]);
    }
    // It wants to be left alone until the end of the century.
    site.reply("/busy", Reply::After(1, 429, html("busy", &[])));
    site.reply("/always", Reply::Status(429));
    let rest = Duration::from_millis(150);
    let settings = Settings { at_once_per_host: 1, rest_max: rest, ..settings() };
    let crawled = crawl_with(spec(&[site.url("/")]), settings).await;
    assert_eq!(crawled.corpus(), ["/", "/0", "/1", "/2", "/3", "/busy"]);
    assert!(rest <= site.silence_after("/busy"), "{:?}", site.silence_after("/busy"));
    assert_eq!(crawled.error(&site.url("/always")), (Some(429), "http_429"));
    assert_eq!((site.asked("/busy"), site.asked("/always")), (2, 3), "and not for ever");
}

/// Must never: a host asked once more for each page that waits for its rules.
#[tokio::test]
async fn a_host_that_keeps_its_rules_for_now_is_left_alone_by_all_who_wait_for_them() {
    let site = Site::start().await;
    for path in ["/a", "/b", "/c"] {
        site.page(path, path, &[]);
    }
    site.reply("/robots.txt", Reply::After(1, 429, "User-agent: *".to_owned()));
    let rest = Duration::from_millis(150);
    let settings = Settings { rest_max: rest, ..settings() };
    let crawled = crawl_with(spec(&["/a", "/b", "/c"].map(|it| site.url(it))), settings).await;
    assert_eq!(crawled.corpus(), ["/a", "/b", "/c"]);
    let silence = site.silence_after("/robots.txt");
    assert!(rest <= silence, "{silence:?}");
    assert_eq!(site.asked("/robots.txt"), 2);
}

/// Must never: a host that is waited for as long as it likes.
#[tokio::test]
async fn a_host_that_gives_no_answer_in_between_has_not_answered() {
    let site = Site::start().await;
    let links: Vec<String> =
        (0..8).flat_map(|it| [format!("/busy/{it}"), format!("/slow/{it}")]).collect();
    site.page("/", "north", &links.iter().map(String::as_str).collect::<Vec<_>>());
    for link in &links {
        let reply = if link.starts_with("/slow") { Reply::Never } else { Reply::Status(429) };
        site.reply(link, reply);
    }
    let timeout = Duration::from_millis(300);
    let settings = Settings { at_once_per_host: 1, retries: 0, timeout, ..settings() };
    let crawled = crawl_with(spec(&[site.url("/")]), settings).await;
    assert_eq!(crawled.corpus(), ["/"]);
    assert_eq!((site.asked("/busy/5"), site.asked("/busy/7")), (1, 0), "it is given up");
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
