//! From seeds to the end: what is followed, what is kept, what is kept once.

use std::{sync::Arc, time::Duration};

use domain::job::{CrawlSpec, DuplicateBy, Exclusion, Follow, PageOutcome};
use tokio_util::sync::CancellationToken;

use super::{
    site::{Reply, Site, html},
    world::{Crawled, crawl, crawl_with, engine, run, settings, spec},
};
use crate::crawl::{Allowed, Settings, engine::End};

#[tokio::test]
async fn links_of_relevant_pages_are_followed_to_the_depth_and_no_further() {
    let site = Site::start().await;
    site.page("/", "north", &["/a", "/offtopic"]);
    site.page("/a", "east", &["/b"]);
    site.page("/b", "south", &["/c"]);
    site.page("/c", "west", &[]);
    let irrelevant = "<title>Soup</title><main><p>Take leeks, potatoes and time, and let them \
        simmer for as long as the bread needs.</p><a href=/never>more</a></main>";
    site.reply("/offtopic", Reply::Html(irrelevant.to_owned()));
    site.page("/never", "never", &[]);
    let crawled = crawl(CrawlSpec { depth: 2, ..spec(&[site.url("/")]) }).await;
    assert_eq!(crawled.corpus(), ["/", "/a", "/b", "/offtopic"]);
    assert_eq!(crawled.kept(&site.url("/offtopic")).relevance, 0);
    assert_eq!((site.asked("/c"), site.asked("/never")), (0, 0));
    assert_eq!(crawled.found().iter().map(|it| it.depth).collect::<Vec<_>>(), [0, 1, 1, 2]);
    assert_eq!(crawled.end, End::Finished);
}

/// Must never: relevance 0 everywhere, and links that explode.
#[tokio::test]
async fn no_page_without_the_terms_makes_the_crawl_grow() {
    let site = Site::start().await;
    let links: Vec<String> = (0..50).map(|it| format!("<a href=/{it}>{it}</a>")).collect();
    let links = links.concat();
    site.reply("/", Reply::Html(format!("<title>Soup</title><p>Of leeks.</p>{links}")));
    let crawled = crawl(spec(&[site.url("/")])).await;
    assert_eq!((crawled.found().len(), crawled.visited().len()), (1, 1));
}

#[tokio::test]
async fn no_more_pages_are_visited_than_may_be_and_the_near_ones_first() {
    let site = Site::start().await;
    let links: Vec<String> = (0..40).map(|it| format!("/near/{it}")).collect();
    let links: Vec<&str> = links.iter().map(String::as_str).collect();
    site.page("/", "north", &links);
    for link in &links {
        site.page(link, link, &["/far"]);
    }
    site.page("/far", "far", &[]);
    let crawled = crawl(CrawlSpec { pages_max: 20, ..spec(&[site.url("/")]) }).await;
    assert_eq!(crawled.visited().len(), 20);
    assert_eq!(site.asked("/far"), 0);
}

/// Must never: a crawl that ends with half of what it might have kept.
#[tokio::test]
async fn a_place_that_is_given_back_goes_to_a_page_that_has_waited_for_one() {
    let (site, busy) = (Site::start().await, Site::start().await);
    site.reply("/leads-there", Reply::Redirect(busy.url("/later")));
    let away: Vec<String> = (0..8).map(|it| busy.url(&format!("/{it}"))).collect();
    let here: Vec<String> = (0..10).map(|it| format!("/page/{it}")).collect();
    let links: Vec<&str> = away.iter().chain(&here).map(String::as_str).collect();
    site.page("/", "north", &[&["/leads-there"], &links[..]].concat());
    busy.reply("*", Reply::Status(429));
    busy.reply("/robots.txt", Reply::Status(404));
    for path in &here {
        site.page(path, path, &[]);
    }
    let limited = CrawlSpec { pages_max: 11, ..spec(&[site.url("/")]) };
    let rest = Duration::from_millis(30);
    let settings = Settings { rest_first: rest, rest_max: rest, ..settings() };
    let crawled = crawl_with(limited, settings).await;
    assert_eq!(crawled.corpus().len(), 11, "{:?}", crawled.corpus());
}

/// A resumed crawl visits what was left to it, and not as much again as failed.
#[tokio::test]
async fn what_may_be_visited_is_no_more_for_an_attempt_that_goes_on() {
    let (site, gone) = (Site::start().await, Site::start().await);
    gone.reply("/robots.txt", Reply::Status(503));
    let elsewhere: Vec<String> = (0..4).map(|it| gone.url(&format!("/{it}"))).collect();
    let here: Vec<String> = (0..30).map(|it| format!("/page/{it}")).collect();
    let links: Vec<&str> = elsewhere.iter().chain(&here).map(String::as_str).collect();
    site.page("/", "north", &links);
    for path in &here[..10] {
        site.reply(path, Reply::Status(500));
    }
    for path in &here[10..] {
        site.page(path, path, &[]);
    }
    let limited = CrawlSpec { pages_max: 16, ..spec(&[site.url("/")]) };
    let before = crawl(limited.clone()).await;
    assert_eq!(before.corpus().len(), 6, "{:?}", before.corpus());
    assert_eq!(before.visited().len(), 20, "those that could not be asked for come on top");

    let mut again = engine(limited, settings());
    before.events.iter().for_each(|it| again.recall(it));
    let after = run(again, CancellationToken::new()).await;
    assert_eq!((after.end, after.visited().len()), (End::Finished, 0), "{:?}", after.corpus());
}

/// Must never: a crawl that takes all the memory there is.
#[tokio::test]
async fn no_more_pages_are_taken_down_than_fit_whatever_the_limit() {
    let site = Site::start().await;
    let links: Vec<String> = (0..40).map(|it| format!("/near/{it}")).collect();
    let links: Vec<&str> = links.iter().map(String::as_str).collect();
    site.page("/", "north", &links);
    let settings = Settings { found_max: 10, ..settings() };
    let boundless = CrawlSpec { pages_max: u32::MAX, ..spec(&[site.url("/")]) };
    assert_eq!(crawl_with(boundless, settings).await.found().len(), 10);
}

#[tokio::test]
async fn links_may_have_to_stay_on_the_hosts_of_the_seeds() {
    let (here, there) = (Site::start().await, Site::start().await);
    let elsewhere = there.url("/").replace("127.0.0.1", "127.0.0.2");
    here.page("/", "north", &["/a", &elsewhere]);
    here.page("/a", "east", &[]);
    let crawled = crawl(CrawlSpec { follow: Follow::SeedHosts, ..spec(&[here.url("/")]) }).await;
    assert_eq!(crawled.found().len(), 2);
}

/// No redirect leads off the sites of the seeds, except that of a seed.
#[tokio::test]
async fn a_seed_may_have_moved_to_another_host_and_nothing_else_may() {
    let (old, new) = (Site::start().await, Site::start().await);
    let moved = new.url("/").replace("127.0.0.1", "localhost");
    let away = new.url("/away").replace("127.0.0.1", "127.0.0.2");
    old.reply("/", Reply::Redirect(moved.clone()));
    new.page("/", "north", &["/a", "/leaves"]);
    new.page("/a", "east", &[]);
    new.reply("/leaves", Reply::Redirect(away));
    let spec = CrawlSpec { follow: Follow::SeedHosts, ..spec(&[old.url("/")]) };
    let allowed = Arc::new(Allowed::new(["localhost", "127.0.0.0/8"]));
    let settings = Settings { allowed, ..settings() };
    let crawled = crawl_with(spec.clone(), settings.clone()).await;
    assert_eq!(crawled.corpus(), ["/", "/a"]);
    let outcome = crawled.outcome(&format!("{moved}leaves"));
    assert_eq!(*outcome, PageOutcome::Excluded { reason: Exclusion::OtherSite });
    assert_eq!(new.asked("/away"), 0);

    // Also when it is another attempt that goes on.
    let mut again = engine(spec, settings);
    let mut first = crawled.events[0].clone();
    first.found.truncate(1);
    first.visited.truncate(1);
    again.recall(&first);
    new.page("/b", "south", &[]);
    assert!(again.may_follow(&format!("{moved}b").parse().unwrap()));
}

#[tokio::test]
async fn a_page_is_kept_once_whatever_leads_to_it() {
    let site = Site::start().await;
    let links = ["/twin", "/copy", "/moved", "/here?utm_source=x#top", "/here"];
    site.page("/", "north", &links);
    site.page("/here", "east", &[]);
    let canonical = format!("<link rel=canonical href=/here>{}", html("other words", &[]));
    site.reply("/twin", Reply::Html(canonical));
    site.page("/copy", "east", &[]);
    site.reply("/moved", Reply::Redirect("/here".to_owned()));
    let one_by_one = Settings { at_once: 1, ..settings() };
    let crawled = crawl_with(spec(&[site.url("/"), site.url("/here")]), one_by_one).await;
    let here = crawled.number(&site.url("/here"));
    let duplicate = |by| PageOutcome::Duplicate { of: here, by };
    assert_eq!(*crawled.outcome(&site.url("/twin")), duplicate(DuplicateBy::Canonical));
    assert_eq!(*crawled.outcome(&site.url("/copy")), duplicate(DuplicateBy::Content));
    assert_eq!(*crawled.outcome(&site.url("/moved")), duplicate(DuplicateBy::Redirect));
    assert_eq!(crawled.corpus(), ["/", "/here"]);
    assert_eq!((crawled.found().len(), site.asked("/here")), (5, 1));
}

#[tokio::test]
async fn nobody_speaks_for_the_site_of_another() {
    let (one, other) = (Site::start().await, Site::start().await);
    other.page("/", "original", &[]);
    let elsewhere = other.url("/").replace("127.0.0.1", "localhost");
    let thief = format!("<link rel=canonical href={elsewhere}>{}", html("stolen", &[&elsewhere]));
    one.reply("/", Reply::Html(thief));
    let crawled = crawl(spec(&[one.url("/")])).await;
    assert_eq!(crawled.kept(&elsewhere).title.as_deref(), Some("original"));
}

#[tokio::test]
async fn a_redirect_is_followed_and_the_page_known_by_where_it_is() {
    let site = Site::start().await;
    site.reply("/old", Reply::Redirect("/older".to_owned()));
    site.reply("/older", Reply::Redirect(site.url("/new")));
    site.page("/new", "north", &["/old", "/new", "/a"]);
    site.page("/a", "east", &["/new"]);
    let crawled = crawl(spec(&[site.url("/old")])).await;
    assert_eq!(crawled.kept(&site.url("/old")).url, site.url("/new"));
    let links: Vec<_> = crawled.visited().iter().map(|it| it.links.clone()).collect();
    assert_eq!(links, [vec![1], vec![0]], "both ways, and none to itself");
    assert_eq!(site.asked("/new"), 1);
}

/// Must never: error pages in the corpus.
#[tokio::test]
async fn a_404_page_never_enters_the_corpus_however_much_it_says() {
    let site = Site::start().await;
    site.page("/", "north", &["/missing", "/broken", "/gone"]);
    site.reply("/broken", Reply::Status(500));
    site.reply("/gone", Reply::Status(410));
    let crawled = crawl(spec(&[site.url("/")])).await;
    assert_eq!(crawled.corpus(), ["/"]);
    for (path, status, error) in
        [("/missing", 404, "http_404"), ("/broken", 500, "http_500"), ("/gone", 410, "http_410")]
    {
        assert_eq!(crawled.error(&site.url(path)), (Some(status), error));
    }
    assert_eq!(crawled.failure, None, "the seed is there");
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_will_not_is_not() {
    let site = Site::start().await;
    site.page("/", "north", &["/busy", "/overloaded", "/missing"]);
    site.reply("/busy", Reply::After(1, 429, html("busy", &[])));
    site.reply("/overloaded", Reply::After(9, 503, html("never", &[])));
    let crawled = crawl(spec(&[site.url("/")])).await;
    assert_eq!(crawled.corpus(), ["/", "/busy"]);
    assert_eq!(crawled.error(&site.url("/overloaded")), (Some(503), "http_503"));
    let asked = ["/busy", "/overloaded", "/missing"].map(|it| site.asked(it));
    assert_eq!(asked, [2, 3, 1]);
}

/// A chain of pages, the sixtieth of which takes its time.
async fn chain() -> (Site, CrawlSpec) {
    let site = Site::start().await;
    let pages: Vec<String> = (0..120).map(|it| format!("/page/{it}")).collect();
    for (at, page) in pages.iter().enumerate() {
        let next: Vec<&str> = pages.iter().skip(at + 1).take(3).map(String::as_str).collect();
        site.page(page, page, &next);
    }
    site.reply("/page/60", Reply::Never);
    let spec = CrawlSpec { depth: 200, pages_max: 500, ..spec(&[site.url("/page/0")]) };
    (site, spec)
}

/// Runs the crawl until it waits for the slow page.
async fn interrupted(site: &Site, spec: &CrawlSpec) -> Crawled {
    let stop = CancellationToken::new();
    let crawl = run(engine(spec.clone(), settings()), stop.clone());
    let stopper = async {
        while site.asked("/page/60") == 0 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    tokio::join!(crawl, stopper).0
}

#[tokio::test]
async fn a_crawl_goes_on_where_an_earlier_attempt_was_killed() {
    let (site, spec) = chain().await;
    let before = interrupted(&site, &spec).await;
    assert_eq!(before.end, End::Stopped);
    let done = before.visited().len();
    assert!(0 < done && done < 120, "{done}");
    site.page("/page/60", "quick by now", &["/page/61"]);
    let seed_asked = site.asked("/page/0");

    let mut again = engine(spec, settings());
    before.events.iter().for_each(|it| again.recall(it));
    let after = run(again, CancellationToken::new()).await;
    assert_eq!(after.end, End::Finished);
    assert_eq!(site.asked("/page/0"), seed_asked, "what is on record is not fetched again");
    let found = [before.found(), after.found()].concat();
    let numbers: Vec<u32> = found.iter().map(|it| it.number).collect();
    assert!(numbers.iter().copied().eq(0..120), "each is found once, without gaps: {numbers:?}");
    let corpus = [before.corpus(), after.corpus()].concat();
    assert_eq!(corpus.iter().collect::<std::collections::BTreeSet<_>>().len(), 120);
    assert_eq!(corpus.len(), 120, "each is kept once");
}

#[tokio::test]
async fn a_crawl_that_is_to_stop_stops_within_a_second_and_hands_out_what_it_has() {
    let site = Site::start().await;
    site.page("/", "north", &["/slow"]);
    site.reply("/slow", Reply::Never);
    let stop = CancellationToken::new();
    let crawl = run(engine(spec(&[site.url("/")]), settings()), stop.clone());
    let stopper = async {
        while site.asked("/slow") == 0 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
        std::time::Instant::now()
    };
    let (crawled, at) = tokio::join!(crawl, stopper);
    assert!(at.elapsed() < Duration::from_secs(1));
    assert_eq!((crawled.end, crawled.corpus()), (End::Stopped, vec!["/".to_owned()]));
}

#[tokio::test]
async fn a_page_that_asks_not_to_be_listed_is_not() {
    let site = Site::start().await;
    site.page("/", "north", &["/quiet", "/dead-end"]);
    let meta = |it: &str| format!("<meta name=robots content='{it}'>{}", html(it, &["/a"]));
    site.reply("/quiet", Reply::Html(meta("noindex, nofollow")));
    site.reply("/dead-end", Reply::Html(meta("nofollow")));
    let crawled = crawl(spec(&[site.url("/")])).await;
    let excluded = PageOutcome::Excluded { reason: Exclusion::NoIndex };
    assert_eq!(*crawled.outcome(&site.url("/quiet")), excluded);
    assert_eq!(crawled.corpus(), ["/", "/dead-end"]);
    assert_eq!(site.asked("/a"), 0);
}
