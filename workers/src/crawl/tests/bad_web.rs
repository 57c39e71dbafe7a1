//! What the web throws at a crawl: each is limited, and named in the result.

use std::{sync::Arc, time::Duration};

use domain::job::{CrawlSpec, Exclusion, PageOutcome};

use super::{
    site::{Reply, Site, html},
    world::{crawl, crawl_with, settings, spec},
};
use crate::crawl::{Allowed, Settings};

fn excluded(reason: Exclusion) -> PageOutcome {
    PageOutcome::Excluded { reason }
}

#[tokio::test]
async fn a_page_of_a_gigabyte_is_read_to_the_limit_and_no_further() {
    let site = Site::start().await;
    site.page("/", "north", &["/endless"]);
    site.reply("/endless", Reply::Endless);
    let crawled = crawl(spec(&[site.url("/")])).await;
    assert_eq!(*crawled.outcome(&site.url("/endless")), excluded(Exclusion::TooLarge));
    let settings = Settings { page_bytes_max: 100, ..settings() };
    let crawled = crawl_with(spec(&[site.url("/")]), settings).await;
    assert_eq!(*crawled.outcome(&site.url("/")), excluded(Exclusion::TooLarge), "as announced");
}

#[tokio::test]
async fn a_robots_txt_of_a_megabyte_is_read_as_far_as_half_of_that() {
    let site = Site::start().await;
    let mut rules = b"User-agent: *\nDisallow: /early\n".to_vec();
    rules.resize(1024 * 1024, b'\n');
    rules.extend_from_slice(b"Disallow: /late\n");
    site.reply("/robots.txt", Reply::Bytes("text/plain", rules));
    site.page("/", "north", &["/early", "/late"]);
    site.page("/early", "east", &[]);
    site.page("/late", "south", &[]);
    let crawled = crawl(spec(&[site.url("/")])).await;
    assert_eq!(*crawled.outcome(&site.url("/early")), excluded(Exclusion::Robots));
    assert_eq!(crawled.corpus(), ["/", "/late"]);
}

#[tokio::test]
async fn a_redirect_loop_is_named() {
    let site = Site::start().await;
    site.page("/", "north", &["/round", "/self", "/long/0"]);
    site.reply("/round", Reply::Redirect("/and-round".to_owned()));
    site.reply("/and-round", Reply::Redirect("/round".to_owned()));
    site.reply("/self", Reply::Redirect("/self".to_owned()));
    for hop in 0..12 {
        let next = format!("/long/{}", hop + 1);
        site.reply(&format!("/long/{hop}"), Reply::Redirect(next));
    }
    site.page("/long/12", "far", &[]);
    let crawled = crawl(spec(&[site.url("/")])).await;
    assert_eq!(crawled.error(&site.url("/round")), (None, "redirect_loop"));
    assert_eq!(crawled.error(&site.url("/self")), (None, "redirect_loop"));
    assert_eq!(crawled.error(&site.url("/long/0")), (None, "too_many_redirects"));
    assert_eq!(site.asked("/long/12"), 0);
}

#[tokio::test]
async fn two_found_pages_that_lead_to_each_other_are_a_loop_too() {
    let site = Site::start().await;
    site.page("/", "north", &["/this", "/that"]);
    site.reply("/this", Reply::Redirect("/that".to_owned()));
    site.reply("/that", Reply::Redirect("/this".to_owned()));
    let crawled = crawl(spec(&[site.url("/")])).await;
    let loops = ["/this", "/that"].map(|it| crawled.outcome(&site.url(it)));
    let named = |it: &&&PageOutcome| matches!(it, PageOutcome::Failed { error, .. } if error == "redirect_loop");
    assert_eq!(loops.iter().filter(named).count(), 1, "{loops:?}");
}

#[tokio::test]
async fn a_deep_link_trap_is_bounded_by_depth_by_limit_and_by_shape() {
    let site = Site::start().await;
    site.reply("*", Reply::Trap);
    site.reply("/robots.txt", Reply::Status(404));
    let deep = CrawlSpec { depth: 10, ..spec(&[site.url("/")]) };
    assert_eq!(crawl(deep).await.visited().len(), 11);
    let limited = CrawlSpec { depth: 1_000, pages_max: 20, ..spec(&[site.url("/")]) };
    assert_eq!(crawl(limited).await.visited().len(), 20);
    let endless = CrawlSpec { depth: 1_000, pages_max: 1_000, ..spec(&[site.url("/")]) };
    assert!(crawl(endless).await.visited().len() < 40);
    let settings = Settings { pages_of_host_max: 5, ..settings() };
    let shared = CrawlSpec { depth: 1_000, ..spec(&[site.url("/")]) };
    assert_eq!(crawl_with(shared, settings).await.visited().len(), 5);
}

#[tokio::test]
async fn a_seed_that_does_not_resolve_fails_the_crawl_and_is_named() {
    let seeds = ["http://no-such-host.invalid/".to_owned(), "http://[bad".to_owned()];
    let crawled = crawl(spec(&seeds)).await;
    assert_eq!(crawled.error(&seeds[0]), (None, "dns"));
    assert_eq!(crawled.error(&seeds[1]), (None, "bad_url"));
    let failure = crawled.failure.unwrap();
    assert!(failure.message.contains("no-such-host.invalid"), "{}", failure.message);
    assert!(failure.message.contains("does not resolve"), "{}", failure.message);
    assert!(!failure.retryable);
}

#[tokio::test]
async fn a_crawl_whose_seeds_may_come_back_is_worth_another_attempt() {
    let site = Site::start().await;
    site.reply("/", Reply::Status(503));
    let before = crawl(spec(&[site.url("/")])).await;
    assert!(before.failure.as_ref().unwrap().retryable);
    site.page("/", "north", &[]);
    let mut again = super::world::engine(spec(&[site.url("/")]), settings());
    before.events.iter().for_each(|it| again.recall(it));
    let after = super::world::run(again, tokio_util::sync::CancellationToken::new()).await;
    assert_eq!(after.failure, None);
    assert!(matches!(after.visited()[0].outcome, PageOutcome::Kept(_)));
}

/// Must never: a failure that is told as a success.
#[tokio::test]
async fn a_crawl_that_has_kept_nothing_has_failed_whatever_led_to_that() {
    let site = Site::start().await;
    site.reply("/moved", Reply::Redirect("/there".to_owned()));
    site.reply("/there", Reply::Status(403));
    let seeds = ["/moved", "/there"].map(|it| site.url(it));
    let failure = crawl(spec(&seeds)).await.failure.unwrap();
    assert!(failure.message.contains("http_403") && !failure.retryable, "{}", failure.message);

    site.reply("/there", Reply::Status(503));
    let before = crawl(spec(&seeds)).await;
    assert!(before.failure.as_ref().unwrap().retryable, "what the seed leads to may come back");
    site.page("/there", "north", &[]);
    let mut again = super::world::engine(spec(&seeds), settings());
    before.events.iter().for_each(|it| again.recall(it));
    let after = super::world::run(again, tokio_util::sync::CancellationToken::new()).await;
    assert_eq!((after.failure.as_ref(), after.corpus()), (None, vec!["/there".to_owned()]));

    let limited = [site.url("/missing"), site.url("/there")];
    let limited = CrawlSpec { pages_max: 1, ..spec(&limited) };
    let failure = crawl(limited).await.failure.unwrap();
    assert!(failure.message.contains("limit allowed for 1"), "{}", failure.message);
    assert!(failure.message.contains("http_404") && !failure.retryable, "{}", failure.message);
}

#[tokio::test]
async fn a_page_that_fails_in_every_attempt_is_one_error() {
    let site = Site::start().await;
    site.reply("/", Reply::Status(500));
    let mut events = Vec::new();
    for attempt in 1..=3 {
        let mut engine = super::world::engine(spec(&[site.url("/")]), settings());
        for event in &events {
            engine.recall(event);
        }
        assert_eq!(engine.corpus.failed, u64::from(1 < attempt));
        let crawled = super::world::run(engine, tokio_util::sync::CancellationToken::new()).await;
        assert!(crawled.failure.is_some());
        events.extend(crawled.events);
        assert_eq!(site.asked("/"), attempt);
    }
}

#[tokio::test]
async fn some_seeds_that_fail_are_errors_and_no_failure() {
    let site = Site::start().await;
    site.page("/", "north", &[]);
    let crawled = crawl(spec(&[site.url("/missing"), site.url("/")])).await;
    assert_eq!(crawled.failure, None);
    assert_eq!(crawled.error(&site.url("/missing")), (Some(404), "http_404"));
}

#[tokio::test]
async fn private_addresses_are_refused_by_number_by_name_and_after_redirects() {
    let site = Site::start().await;
    let by_name = format!("http://localhost:{}/", site.port());
    let nowhere = Settings { allowed: Arc::default(), ..settings() };
    for seed in [site.url("/"), by_name.clone(), format!("http://[::ffff:7f00:1]:{}/", site.port())]
    {
        let crawled = crawl_with(spec(std::slice::from_ref(&seed)), nowhere.clone()).await;
        assert_eq!(*crawled.outcome(&seed), excluded(Exclusion::PrivateAddress), "{seed}");
        assert!(crawled.failure.unwrap().message.contains("private_address"));
    }
    assert_eq!(site.asked("/robots.txt"), 0, "not even that");

    let metadata = "http://169.254.169.254/latest/meta-data/".to_owned();
    site.page("/", "north", &["/hop", &metadata]);
    site.reply("/hop", Reply::Redirect("http://10.0.0.1/".to_owned()));
    let crawled = crawl(spec(&[site.url("/")])).await;
    assert_eq!(*crawled.outcome(&site.url("/hop")), excluded(Exclusion::PrivateAddress));
    assert_eq!(*crawled.outcome(&metadata), excluded(Exclusion::PrivateAddress));

    let named = Settings { allowed: Arc::new(Allowed::new(["localhost"])), ..settings() };
    let crawled = crawl_with(spec(std::slice::from_ref(&by_name)), named).await;
    assert_eq!(crawled.kept(&by_name).status, 200, "a name that is allowed");
}

#[tokio::test]
async fn what_is_no_page_is_excluded_whatever_it_is_called() {
    let site = Site::start().await;
    site.page("/", "north", &["/image", "/liar", "/program", "/report.pdf", "/notes"]);
    site.reply("/image", Reply::Bytes("image/png", vec![1, 2, 3]));
    site.reply("/liar", Reply::Bytes("text/html", b"%PDF-1.7 lighthouse".to_vec()));
    site.reply("/program", Reply::Bytes("text/plain", b"\x7fELF\0\0lighthouse".to_vec()));
    site.reply("/notes", Reply::Bytes("text/plain", b"Notes of a lighthouse.".to_vec()));
    let crawled = crawl(spec(&[site.url("/")])).await;
    for path in ["/image", "/liar", "/program"] {
        assert_eq!(*crawled.outcome(&site.url(path)), excluded(Exclusion::MediaType), "{path}");
    }
    assert_eq!(crawled.kept(&site.url("/notes")).relevance, 1);
    assert_eq!(site.asked("/report.pdf"), 0, "its name says enough");
}

#[tokio::test]
async fn a_slow_page_is_given_up_and_a_page_that_nests_without_end_too() {
    let site = Site::start().await;
    site.page("/", "north", &["/slow", "/deep"]);
    site.reply("/slow", Reply::Never);
    site.reply("/deep", Reply::Html(format!("{}x", "<div><b>".repeat(50_000))));
    let settings = Settings { timeout: Duration::from_millis(300), retries: 1, ..settings() };
    let crawled = crawl_with(spec(&[site.url("/")]), settings).await;
    assert_eq!(crawled.error(&site.url("/slow")), (None, "timeout"));
    assert_eq!(crawled.error(&site.url("/deep")), (Some(200), "too_complex"));
    assert_eq!(site.asked("/slow"), 2);
}

/// Must never: a page that ends the process, and with it all that it does.
#[tokio::test]
async fn a_page_whose_ends_end_nothing_is_given_up_before_it_is_taken_apart() {
    let site = Site::start().await;
    site.page("/", "north", &["/quotes", "/divs", "/lists"]);
    // As deep as may be, in a thread with as little room as there is.
    let lists = format!("{}<a href=/>lighthouse</a>", "<ul><li>".repeat(240));
    site.reply("/lists", Reply::Html(lists));
    site.reply("/quotes", Reply::Html("<blockquote></x>".repeat(10_000)));
    site.reply("/divs", Reply::Html("<div></x>".repeat(400_000)));
    let crawled = crawl(spec(&[site.url("/")])).await;
    for path in ["/quotes", "/divs"] {
        assert_eq!(crawled.error(&site.url(path)), (Some(200), "too_complex"), "{path}");
    }
    assert_eq!(crawled.corpus(), ["/", "/lists"]);
}

/// Must never: a page refused for what every browser forgives.
#[tokio::test]
async fn a_page_that_leaves_its_ends_to_the_browser_is_kept_with_text_and_links() {
    let site = Site::start().await;
    site.page("/", "north", &["/list", "/titles", "/terms", "/cells"]);
    let page = |path: &str, part: fn(u32) -> String| {
        let parts: String = (0..300).map(part).collect();
        site.reply(path, Reply::Html(format!("<title>{path}</title>{parts}")));
    };
    let link = "<a href=/last>lighthouse";
    page("/list", |it| format!("<li><span>the lighthouse of {it}"));
    page("/titles", |it| format!("<p><b>The lighthouse of {it}</p>"));
    page("/terms", |it| format!("<dt><span>{it}<dd><i>the lighthouse of {it}</dd>"));
    site.reply(
        "/cells",
        Reply::Html(format!("{}{link}", "<table><tr><td><em>x</table>".repeat(300))),
    );
    let crawled = crawl(spec(&[site.url("/")])).await;
    assert_eq!(crawled.corpus(), ["/", "/cells", "/list", "/terms", "/titles"]);
    for path in ["/list", "/titles", "/terms"] {
        assert_eq!(crawled.kept(&site.url(path)).relevance, 300, "{path}");
    }
    assert_eq!(crawled.error(&site.url("/last")), (Some(404), "http_404"), "links are followed");
}

#[tokio::test]
async fn secrets_in_addresses_are_not_taken_down() {
    let site = Site::start().await;
    let with_secret = site.url("/a").replace("http://", "http://ann:secret@");
    site.page("/", "north", &[&with_secret]);
    site.reply("/a", Reply::Html(html("east", &[])));
    let crawled = crawl(spec(&[site.url("/")])).await;
    assert_eq!(crawled.corpus(), ["/", "/a"]);
    let events = serde_json::to_string(&crawled.events).unwrap();
    assert!(!events.contains("secret"));
}
