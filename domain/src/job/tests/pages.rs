//! What a crawl may write down about pages.

use super::fixture::{
    ANN, FENCE, OWNER, artifact, asked_to_stop, crawl, crawl_requested, created, excluded, far,
    found, granted, lost, order, record, user, worker,
};
use crate::{
    Context, EventType, Refusal,
    actor::Role,
    artifact::Artifact,
    job::{
        CrawlEvent, CrawlSpec, DuplicateBy, FoundPage, Job, JobCommand, JobEvent, JobState, Next,
        PAGES_BYTES_MAX, PageOutcome, PagesVisited, Progress, ProgressReported, VisitedPage,
    },
    testing::given,
};

fn crawling() -> Vec<JobEvent> {
    vec![crawl_requested(), granted(1, 1)]
}

fn batch(found: Vec<FoundPage>, visited: Vec<VisitedPage>) -> JobCommand {
    JobCommand::RecordPages { fence: FENCE, found, visited, texts: None, progress: None }
}

fn recorded(found: Vec<FoundPage>, visited: Vec<VisitedPage>) -> JobEvent {
    let it = PagesVisited { fence: FENCE, found, visited, texts: None };
    JobEvent::Crawl(CrawlEvent::from(it))
}

#[track_caller]
fn refused(history: Vec<JobEvent>, command: JobCommand, why: (&'static str, &'static str)) {
    let (field, rule) = why;
    given::<Job>(history).when(command, &worker(ANN, 5)).refused(&Refusal::invalid(field, rule));
}

#[test]
fn pages_and_progress_are_recorded_together() {
    let (fence, texts) = (FENCE, Some(artifact()));
    let (found, visited) = (vec![found(0), found(1)], vec![excluded(0)]);
    let progress = Some(far(1));
    let command = JobCommand::RecordPages {
        fence,
        found: found.clone(),
        visited: visited.clone(),
        texts: texts.clone(),
        progress: progress.clone(),
    };
    let pages = PagesVisited { fence, found, visited, texts };
    given::<Job>(crawling()).when(command, &worker(ANN, 5)).then([
        JobEvent::Crawl(CrawlEvent::from(pages)),
        ProgressReported { fence, progress, checkpoint: None }.into(),
    ]);
}

#[test]
fn a_batch_of_nothing_leaves_no_trace() {
    given::<Job>(crawling()).when(batch(vec![], vec![]), &worker(ANN, 5)).then([]);
}

#[test]
fn pages_are_numbered_without_gaps_so_that_none_is_recorded_twice() {
    let rule = ("found", "numbered on from 0");
    refused(crawling(), batch(vec![found(1)], vec![]), rule);
    refused(crawling(), batch(vec![found(0), found(2)], vec![]), rule);
    let once = [crawling(), vec![recorded(vec![found(0), found(1)], vec![])]].concat();
    let again = batch(vec![found(0), found(1)], vec![]);
    refused(once.clone(), again, ("found", "numbered on from 2"));
    let more = recorded(vec![found(2)], vec![]);
    let command = batch(vec![found(2)], vec![]);
    given::<Job>(once).when(command, &worker(ANN, 5)).then([more]);
}

#[test]
fn only_pages_that_were_found_are_visited_linked_to_or_doubled() {
    let linking = VisitedPage { links: vec![1], ..excluded(0) };
    let outcome = PageOutcome::Duplicate { of: 1, by: DuplicateBy::Content };
    let doubling = VisitedPage { outcome, ..excluded(0) };
    for (visited, why) in [
        (excluded(1), ("visited", "of pages that were found")),
        (linking.clone(), ("visited", "of pages that were found")),
        (doubling, ("visited.of", "a page that was found")),
    ] {
        refused(crawling(), batch(vec![found(0)], vec![visited]), why);
    }
    let (pages, visited) = (vec![found(0), found(1)], vec![linking]);
    let event = recorded(pages.clone(), visited.clone());
    given::<Job>(crawling()).when(batch(pages, visited), &worker(ANN, 5)).then([event]);
    let early = FoundPage { from: Some(0), ..found(0) };
    refused(crawling(), batch(vec![early], vec![]), ("found.from", "a page found earlier"));
}

#[test]
fn a_batch_has_200_kib_and_its_texts_fit_in_tables() {
    let long = |url: &str| FoundPage { url: url.repeat(2_048), ..found(0) };
    let fits = batch(vec![long("x")], vec![]);
    given::<Job>(crawling()).when(fits, &worker(ANN, 5)).then([recorded(vec![long("x")], vec![])]);
    let texts = "at most 2048 bytes, none of them NUL";
    let longer = FoundPage { url: "x".repeat(2_049), ..found(0) };
    refused(crawling(), batch(vec![longer], vec![]), ("found.url", texts));
    let nul = FoundPage { url: "\0".into(), ..found(0) };
    refused(crawling(), batch(vec![nul], vec![]), ("found.url", texts));

    let many = |count: u32| (0..count).map(|it| FoundPage { url: "x".repeat(2_000), ..found(it) });
    let most = u32::try_from(PAGES_BYTES_MAX / 2_200).unwrap();
    let most: Vec<_> = many(most).collect();
    let event = recorded(most.clone(), vec![]);
    assert!(event.encode().unwrap().len() <= PAGES_BYTES_MAX);
    given::<Job>(crawling()).when(batch(most, vec![]), &worker(ANN, 5)).then([event]);
    let rule = ("pages", "at most 204800 bytes of JSON");
    refused(crawling(), batch(many(110).collect(), vec![]), rule);
}

#[test]
fn what_comes_with_the_pages_is_held_to_the_usual_rules() {
    let with = |texts, progress| JobCommand::RecordPages {
        fence: FENCE,
        found: vec![found(0)],
        visited: vec![],
        texts,
        progress,
    };
    let huge = Artifact { bytes: u64::MAX, ..artifact() };
    refused(crawling(), with(Some(huge), None), ("artifacts.bytes", "below 2^63"));
    let beyond = Progress { done: 2, total: Some(1), message: None };
    refused(crawling(), with(None, Some(beyond)), ("progress.done", "at most progress.total"));
}

#[test]
fn pages_are_recorded_by_whoever_holds_a_crawl_and_by_nobody_else() {
    let task = vec![created(), granted(1, 1)];
    let ask = |history, who: Context| given::<Job>(history).when(record(FENCE), &who);
    ask(task, worker(ANN, 5)).refused(&Refusal::WrongKind { expected: "crawl" });
    ask(crawling(), user(OWNER, Role::Admin, 5)).refused(&Refusal::NotFound { what: "lease" });
    let lost = [crawling(), vec![lost(FENCE, Next::Queue), granted(1, 2)]].concat();
    given::<Job>(lost).when(record(FENCE), &worker(ANN, 5)).refused(&Refusal::StaleFence {
        reported: FENCE,
        current: Some(4),
        state: JobState::Running,
    });
}

#[test]
fn a_crawl_that_is_to_stop_still_records_what_it_has() {
    let stopping = [crawling(), vec![asked_to_stop()]].concat();
    let event = recorded(vec![found(0)], vec![excluded(0)]);
    given::<Job>(stopping).when(record(FENCE), &worker(ANN, 5)).then([event]);
}

#[test]
fn languages_are_codes_of_two_letters() {
    let start = |languages: &[&str]| {
        let languages = languages.iter().map(|it| (*it).to_owned()).collect();
        JobCommand::StartCrawl { order: order(), crawl: CrawlSpec { languages, ..crawl() } }
    };
    for bad in [&["fra"][..], &["FR"], &["fr", ""]] {
        refused(vec![], start(bad), ("languages", "codes of two lower-case letters"));
    }
    given::<Job>([]).when(start(&[]), &worker(ANN, 5)).then([crawl_requested()]);
}
