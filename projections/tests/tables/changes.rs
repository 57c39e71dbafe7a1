//! What an event made of its job is the same from memory, from the journal,
//! and by folding the stream.

use std::{collections::HashMap, sync::Arc};

use domain::JobId;
use journal::{Journal, StreamId};
use projections::{
    Fact, Projection, Viewer,
    feed::{Change, Feed, Membership},
    job_list::{JobFilter, JobList, JobRow},
};

use super::{
    lives::{Lives, random},
    world::{Following, OWNER, World},
};

/// Every version of every job, by folding its stream from the start.
async fn versions(world: &World) -> HashMap<JobId, Vec<Option<JobRow>>> {
    let mut all: HashMap<JobId, Vec<Option<JobRow>>> = HashMap::new();
    for recorded in world.journal.read(0, usize::MAX >> 1).await.unwrap() {
        let fact = Fact::read(&recorded).unwrap();
        let Some((id, _)) = fact.of_job() else { continue };
        let versions = all.entry(id).or_insert_with(|| vec![None]);
        let before = versions.last().cloned().flatten();
        versions.push(JobList::fold(id, before, &fact));
    }
    all
}

fn told(change: &Change) -> (u64, Option<&JobRow>, &JobRow) {
    (change.position(), change.before.as_deref(), &change.after)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_the_same_wherever_it_is_read_from() {
    let world = World::new().await;
    let early = Following::start(world.journal.clone());
    let mut lives = Lives::begin(&world).await;
    lives.live(&random(250)).await;
    let midway = Following::start(world.journal.clone());
    lives.live(&random(250)).await;
    let head = world.head().await;
    for following in [&early, &midway] {
        following.feed.head().wait_for(|it| head <= *it).await.unwrap();
    }
    let late = Arc::new(Feed::new(world.journal.clone()));
    let versions = versions(&world).await;
    // Prime to one another, so that every kind of cut comes up.
    for (after, limit) in (0..head).step_by(7).zip([1, 2, 5, 13, 100].into_iter().cycle()) {
        let (expected, end) = early.feed.changes(after, limit).await.unwrap();
        assert_eq!(end, head.min(after + limit as u64));
        for change in &expected {
            let version = usize::try_from(change.fact.recorded.version).unwrap();
            let of_job = &versions[&change.after.id];
            assert_eq!(change.before.as_deref(), of_job[version - 1].as_ref());
            assert_eq!(Some(&*change.after), of_job[version].as_ref());
        }
        for feed in [&midway.feed, &late] {
            let (changes, last) = feed.changes(after, limit).await.unwrap();
            let (told, expected): (Vec<_>, Vec<_>) =
                (changes.iter().map(told).collect(), expected.iter().map(told).collect());
            assert_eq!((told, last), (expected, end));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_shown_as_of_a_position_and_of_a_version() {
    let world = World::new().await;
    Lives::begin(&world).await.live(&random(250)).await;
    let feed = Feed::new(world.journal.clone());
    let (head, versions) = (world.head().await, versions(&world).await);
    for (id, rows) in versions {
        for (version, row) in rows.iter().enumerate() {
            let at = feed.row_at(id, version as u64).await.unwrap();
            assert_eq!(at.as_deref(), row.as_ref());
        }
        for position in (0..=head).step_by(11) {
            let known = rows.iter().flatten().rfind(|it| it.changed_position <= position);
            let as_of = feed.row_as_of(id, position).await.unwrap();
            assert_eq!(as_of.as_deref(), known);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_events_of_a_job_are_paged_by_version() {
    let world = World::new().await;
    Lives::begin(&world).await.live(&random(250)).await;
    let feed = Feed::new(world.journal.clone());
    for id in versions(&world).await.into_keys() {
        let whole = world.journal.read_stream(&StreamId::new("job", id), 0, 1_000).await.unwrap();
        let mut paged = Vec::new();
        while let Some(page) = Some(feed.job_events(id, paged.len() as u64, 3).await.unwrap())
            && !page.is_empty()
        {
            paged.extend(page.into_iter().map(|it| (*it.recorded).clone()));
        }
        assert_eq!(paged, whole);
    }
}

/// Whoever keeps a list by entering, staying and leaving has, at the end, what
/// the filter matches.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_kept_by_changes_is_the_list_that_is_read() {
    let world = World::new().await;
    Lives::begin(&world).await.live(&random(400)).await;
    let feed = Feed::new(world.journal.clone());
    let (changes, _) = feed.changes(0, 100_000).await.unwrap();
    let running = domain::job::JobState::Running;
    let filters = [
        JobFilter::default(),
        JobFilter { states: Some(vec![running]), ..JobFilter::default() },
        JobFilter { with_errors: Some(true), ..JobFilter::default() },
    ];
    for filter in filters {
        for viewer in [Viewer::All, Viewer::Owner(OWNER)] {
            let mut list: HashMap<JobId, &JobRow> = HashMap::new();
            let mut expected: HashMap<JobId, &JobRow> = HashMap::new();
            for change in &changes {
                expected.insert(change.after.id, &change.after);
                let there = match change.seen(&filter, viewer) {
                    None => list.contains_key(&change.after.id),
                    Some(Membership::Left) => list.remove(&change.after.id).is_none(),
                    Some(Membership::Entered) => {
                        list.insert(change.after.id, &change.after).is_some()
                    }
                    Some(Membership::Stayed) => {
                        list.insert(change.after.id, &change.after).is_none()
                    }
                };
                assert!(!there, "{filter:?} {viewer:?} {change:?}");
            }
            expected.retain(|_, row| filter.matches(row, viewer));
            assert_eq!(list, expected);
        }
    }
}
