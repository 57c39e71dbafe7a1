//! Crawls, from what is asked for to the exports, on a real database, real
//! files and a real site.

mod site;

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use commands::{Command, Wishes};
use domain::{
    JobId,
    artifact::Artifact,
    job::{
        CrawlCompleted, CrawlEvent, CrawlSpec, FailureCause, Follow, JobEvent, JobState,
        PageOutcome, PagesVisited, Phase,
    },
};
use serde_json::Value;
use uuid::Uuid;
use workers::{
    Crawler,
    crawl::{Allowed, Settings},
};

use crate::world::{OWNER, World, eventually};
use site::Site;

impl World {
    /// Starts a process that crawls.
    fn start_crawling(&mut self) {
        let settings = Settings {
            allowed: Arc::new(Allowed::new(["127.0.0.1"])),
            delay: Duration::ZERO,
            ..Settings::default()
        };
        let crawler = Crawler::new(self.files.clone(), Arc::clone(&self.feed), settings).unwrap();
        self.start(Arc::new(crawler), 1);
    }

    /// Asks for a crawl.
    async fn crawl(&self, crawl: CrawlSpec) -> JobId {
        self.request(|id| Command::StartCrawl { id, crawl, wishes: Wishes::default() }).await
    }
}

fn spec(seed: String) -> CrawlSpec {
    CrawlSpec {
        land: None,
        seeds: vec![seed],
        terms: vec!["lighthouse".to_owned()],
        depth: 100,
        pages_max: 100,
        languages: vec!["en".to_owned()],
        follow: Follow::Relevant,
    }
}

fn pages(events: &[JobEvent]) -> Vec<&PagesVisited> {
    let pages = events.iter().filter_map(|it| {
        let JobEvent::Crawl(CrawlEvent::PagesVisited(pages)) = it else { return None };
        Some(pages)
    });
    pages.collect()
}

fn completed(event: JobEvent) -> CrawlCompleted {
    let JobEvent::Crawl(CrawlEvent::CrawlCompleted(it)) = event else { panic!("{event:?}") };
    it
}

fn named<'a>(artifacts: &'a [Artifact], name: &str) -> &'a Artifact {
    artifacts.iter().find(|it| it.name == name).unwrap()
}

/// Must never: an export that is not there when the job is over.
#[tokio::test]
async fn a_crawl_leaves_texts_and_exports_that_its_owner_may_read_and_nobody_else() {
    let (mut world, site) = (World::new().await, Site::start(3).await);
    site.let_go();
    world.start_crawling();
    let job = world.crawl(spec(site.url("/0"))).await;
    let (_, event) = world.ended(job).await;
    let done = completed(event);
    assert_eq!((done.pages, done.errors), (4, 1));

    let events = world.events(job).await;
    for batch in pages(&events) {
        let texts = batch.texts.as_ref();
        for page in &batch.visited {
            let PageOutcome::Kept(kept) = &page.outcome else { continue };
            let texts = world.read(texts.unwrap().sha256).await;
            let start = usize::try_from(kept.text.offset).unwrap();
            let end = start + usize::try_from(kept.text.bytes).unwrap();
            let text: Value = serde_json::from_slice(&texts[start..end]).unwrap();
            assert_eq!(text["number"], page.number);
            assert!(text["text"].as_str().unwrap().contains("Lighthouse number"));
        }
    }
    let csv = world.read(named(&done.artifacts, "pages.csv").sha256).await;
    assert_eq!(String::from_utf8(csv.to_vec()).unwrap().lines().count(), 5);
    let gexf = world.read(named(&done.artifacts, "pages.gexf").sha256).await;
    let gexf = String::from_utf8(gexf.to_vec()).unwrap();
    assert_eq!((gexf.matches("<node ").count(), gexf.matches("<edge ").count()), (4, 4));
    let dictionary = world.read(named(&done.artifacts, "dictionary.json").sha256).await;
    let dictionary: Value = serde_json::from_slice(&dictionary).unwrap();
    assert_eq!(dictionary["en"]["lighthouse"][0], "lighthous");

    let texts = pages(&events).into_iter().filter_map(|it| it.texts.as_ref());
    for artifact in done.artifacts.iter().chain(texts) {
        let readable = async |owner| world.files.readable(&artifact.sha256.bytes(), owner).await;
        assert!(readable(Some(OWNER.0)).await.unwrap().is_some());
        assert!(readable(Some(Uuid::from_u128(2))).await.unwrap().is_none());
    }
    world.stopped().await;
}

/// Must never: a crawl that is stuck because its worker was killed.
#[tokio::test]
async fn a_crawl_goes_on_after_its_process_was_killed_and_fetches_nothing_twice() {
    let (mut world, site) = (World::new().await, Site::start(20).await);
    world.start_crawling();
    let job = world.crawl(spec(site.url("/0"))).await;
    let kept = async |count: usize| {
        let events = world.events(job).await;
        let visited = pages(&events).into_iter().flat_map(|it| &it.visited);
        count <= visited.filter(|it| matches!(it.outcome, PageOutcome::Kept(_))).count()
    };
    eventually("all but the page that is held back are recorded", async || kept(20).await).await;
    world.kill_executor().await;
    world.rescue(job).await;
    site.let_go();
    world.start_crawling();
    let (_, event) = world.ended(job).await;
    let done = completed(event);
    assert_eq!((done.pages, done.errors), (21, 1));
    assert_eq!(numbers(&world.events(job).await), (0..22).collect::<Vec<_>>(), "each page once");
    world.stopped().await;
}

/// Must never: an attempt is lost, or a page recorded twice, since the database
/// was started again in the meantime.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crawl_waits_for_a_database_that_is_away_for_a_moment() {
    let (mut world, site) = (World::new().await, Site::start(20).await);
    world.start_crawling();
    let job = world.crawl(spec(site.url("/0"))).await;
    eventually("all but the page that is held back are recorded", async || {
        let events = world.events(job).await;
        pages(&events).iter().map(|it| it.visited.len()).sum::<usize>() == 21
    })
    .await;
    let away = world.database_away().await;
    site.let_go();
    eventually("the last page has come", async || site.fetched().contains_key("/held")).await;
    let then = Instant::now();
    let more_than_once = Duration::from_millis(500);
    eventually("it was tried to record it", async || more_than_once < then.elapsed()).await;
    away.back().await;

    let done = completed(world.ended(job).await.1);
    assert_eq!((done.pages, done.errors), (21, 1));
    let events = world.events(job).await;
    assert_eq!(numbers(&events), (0..22).collect::<Vec<_>>(), "each page once");
    let grants = events.iter().filter(|it| matches!(it, JobEvent::LeaseGranted(_)));
    assert_eq!(grants.count(), 1, "one attempt");
    world.stopped().await;
}

/// Must never: progress that never moves, and a job that is never over.
#[tokio::test]
async fn a_crawl_says_how_far_it_has_come_and_ends() {
    let (mut world, site) = (World::new().await, Site::start(5).await);
    world.start_crawling();
    let job = world.crawl(spec(site.url("/0"))).await;
    let far = async || {
        let Phase::Running(lease) = world.job(job).await.phase else { return 0 };
        lease.progress.map_or(0, |it| it.done)
    };
    eventually("most pages are reported", async || 4 < far().await).await;
    assert_eq!(world.job(job).await.state(), JobState::Running);
    site.let_go();
    let (state, _) = world.ended(job).await;
    assert_eq!(state.state(), JobState::Succeeded);
    world.stopped().await;
}

fn numbers(events: &[JobEvent]) -> Vec<u32> {
    let mut numbers: Vec<u32> =
        pages(events).into_iter().flat_map(|it| &it.visited).map(|it| it.number).collect();
    numbers.sort_unstable();
    numbers
}

/// What it has visited it does not fetch again; what was on its way it does.
#[tokio::test]
async fn a_crawl_that_is_paused_goes_on_where_it_was_and_fetches_nothing_twice() {
    let (mut world, site) = (World::new().await, Site::start(20).await);
    world.start_crawling();
    let job = world.crawl(spec(site.url("/0"))).await;
    let waits = async || {
        let recorded = numbers(&world.events(job).await).len();
        21 <= recorded && site.fetched().contains_key(site::HELD)
    };
    eventually("all but the page that is held back are recorded", waits).await;
    assert!(world.pause(job).await, "it is given back");
    assert_eq!(numbers(&world.events(job).await).len(), 21, "what was on its way is not visited");
    let state = world.job(job).await;
    assert_eq!((state.failures, state.losses), (0, 0));
    site.let_go();
    world.resume(job).await;
    let (_, event) = world.ended(job).await;
    let done = completed(event);
    assert_eq!((done.pages, done.errors), (21, 1));
    assert_eq!(numbers(&world.events(job).await), (0..22).collect::<Vec<_>>(), "each page once");
    let mut fetched = site.fetched();
    assert_eq!(fetched.remove(site::HELD), Some(2), "once before, and once after");
    fetched.remove("/robots.txt");
    assert!(fetched.values().all(|it| *it == 1), "{fetched:?}");
    world.stopped().await;
}

/// Whenever that is.
#[tokio::test]
async fn a_crawl_that_is_paused_again_and_again_visits_each_page_once() {
    let (mut world, site) = (World::new().await, Site::start(60).await);
    site.let_go();
    world.start_crawling();
    let job = world.crawl(spec(site.url("/0"))).await;
    let mut pauses = 0;
    for _ in 0..10 {
        let runs = async || world.job(job).await.state() != JobState::Queued;
        eventually("it runs, or has ended", runs).await;
        pauses += usize::from(world.pause(job).await);
        world.resume(job).await;
    }
    let (_, event) = world.ended(job).await;
    let done = completed(event);
    assert_eq!((done.pages, done.errors), (61, 1));
    assert!(0 < pauses, "it was over before it could be paused");
    assert_eq!(numbers(&world.events(job).await), (0..62).collect::<Vec<_>>(), "each page once");
    world.stopped().await;
}

/// Must never: a crawl that cannot be stopped.
#[tokio::test]
async fn a_crawl_is_cancelled_between_pages_and_keeps_what_it_has() {
    let (mut world, site) = (World::new().await, Site::start(3).await);
    world.start_crawling();
    let job = world.crawl(spec(site.url("/0"))).await;
    let waits = async || {
        site.fetched().contains_key(site::HELD) && numbers(&world.events(job).await).len() == 4
    };
    eventually("all but the page that is held back are recorded", waits).await;
    world.cancel(job).await;
    let (present, _) = world.ended(job).await;
    assert_eq!(present.state(), JobState::Cancelled);
    world.stopped().await;

    // What was on its way is found and not visited; what was there is kept, and
    // whole.
    let events = world.events(job).await;
    let mut found = pages(&events).into_iter().flat_map(|it| &it.found);
    let held = found.find(|it| it.url.ends_with(site::HELD)).unwrap().number;
    assert!(!numbers(&events).contains(&held));
    let mut kept = Vec::new();
    for batch in pages(&events) {
        for page in &batch.visited {
            let PageOutcome::Kept(it) = &page.outcome else { continue };
            let texts = world.read(batch.texts.as_ref().unwrap().sha256).await;
            let start = usize::try_from(it.text.offset).unwrap();
            let end = start + usize::try_from(it.text.bytes).unwrap();
            let text: Value = serde_json::from_slice(&texts[start..end]).unwrap();
            assert!(text["text"].as_str().unwrap().contains("of its own, which is rock"));
            kept.push(it.url.clone());
        }
    }
    assert_eq!(kept, [0, 1, 2].map(|it| site.url(&format!("/{it}"))));
}

/// Must never: a crawl that succeeds without the files that it says it made.
#[tokio::test]
async fn a_crawl_whose_exports_cannot_be_stored_says_so_and_is_no_success() {
    let (mut world, site) = (World::new().await, Site::start(3).await);
    world.start_crawling();
    let job = world.crawl(spec(site.url("/0"))).await;
    let kept = async || {
        let events = world.events(job).await;
        pages(&events).iter().map(|it| it.visited.len()).sum::<usize>() == 4
    };
    eventually("all but the page that is held back are recorded", kept).await;
    // Whoever wants to write there finds no folder.
    let (folder, aside) = (world.folder.path(), world.folder.path().with_extension("aside"));
    fs::rename(folder, &aside).unwrap();
    fs::write(folder, "").unwrap();
    // It brings no text: what is left to be stored are the exports.
    site.drop_held();
    eventually("the attempt fails", async || world.job(job).await.failures == 1).await;
    let state = world.job(job).await;
    assert!(!state.state().is_final(), "{:?}", state.state());
    let error = state.last_error.unwrap();
    let expected = ("Interrupted", "texts and exports cannot be stored");
    assert_eq!((error.error_type.as_str(), error.message.as_str()), expected);

    fs::remove_file(folder).unwrap();
    fs::rename(&aside, folder).unwrap();
    world.start_scheduler();
    let (_, event) = world.ended(job).await;
    for artifact in completed(event).artifacts {
        assert_eq!(world.read(artifact.sha256).await.len() as u64, artifact.bytes);
    }
    world.stopped().await;
}

#[tokio::test]
async fn a_crawl_whose_seeds_are_all_gone_fails_and_names_the_first() {
    let (mut world, site) = (World::new().await, Site::start(1).await);
    world.start_crawling();
    let seed = site.url("/never-was");
    let job = world.crawl(spec(seed.clone())).await;
    let (present, event) = world.ended(job).await;
    assert_eq!(present.state(), JobState::Failed);
    let JobEvent::JobFailed(failed) = event else { panic!("{event:?}") };
    assert_eq!(
        (failed.cause, failed.error.error_type.as_str()),
        (FailureCause::NotRetryable, "NoSeed")
    );
    assert!(failed.error.message.contains(&seed), "{}", failed.error.message);
    world.stopped().await;
}
