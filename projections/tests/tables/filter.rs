//! One question, asked of the table and of a row at hand: every combination of
//! what one may ask gets the same answer.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use domain::{
    JobId, LandId, UserId,
    job::{JobKind, JobState},
};
use projections::{
    Viewer,
    job_list::{JobFilter, JobOrder, JobRow, Paging},
};
use uuid::Uuid;

use super::{
    lives::{Lives, random},
    world::{OWNER, World},
};

const ALL: Paging = Paging { limit: 10_000, after: None, before: None, from_end: false };

/// Every combination of one choice each.
fn every_filter(rows: &[JobRow]) -> Vec<JobFilter> {
    let services = ["checksum", "crawl"].map(|it| it.parse().unwrap());
    let kinds = [None, Some(vec![JobKind::Task]), Some(vec![JobKind::Crawl, JobKind::Report])];
    let services = [None, Some(services[..1].to_vec()), Some(services.to_vec()), Some(Vec::new())];
    let states = [
        None,
        Some(vec![JobState::Succeeded, JobState::Failed]),
        Some(vec![JobState::Queued, JobState::Running, JobState::Scheduled]),
    ];
    let owners = [None, Some(OWNER), Some(UserId(Uuid::nil()))];
    // Tables count in microseconds; whoever asks may not.
    let middle = rows[rows.len() / 2].created_at;
    let times = [None, Some(middle), Some(middle + TimeDelta::nanoseconds(1))];
    let [yes, no] = [Some(true), Some(false)];
    // Errors and a pause: a job has one or the other, or neither.
    let flags = [(None, None), (yes, None), (no, yes), (None, no)];
    let mut all = Vec::new();
    for kinds in &kinds {
        for services in &services {
            for states in &states {
                for owner in owners {
                    for (from, before) in pairs(&times) {
                        for (with_errors, paused) in flags {
                            all.push(JobFilter {
                                kinds: kinds.clone(),
                                services: services.clone(),
                                states: states.clone(),
                                owner,
                                land: None,
                                created_from: from,
                                created_before: before,
                                with_errors,
                                paused,
                            });
                        }
                    }
                }
            }
        }
    }
    // Few lives are those of crawls of a land.
    let lands = rows.iter().filter_map(|it| it.land).collect::<BTreeSet<_>>();
    for land in lands.into_iter().chain([LandId(Uuid::nil())]) {
        all.push(JobFilter { land: Some(land), ..JobFilter::default() });
        let states = Some(vec![JobState::Queued, JobState::Failed]);
        all.push(JobFilter { land: Some(land), states, ..JobFilter::default() });
    }
    all
}

fn pairs<T: Copy>(all: &[T]) -> impl Iterator<Item = (T, T)> {
    all.iter().flat_map(|one| all.iter().map(|other| (*one, *other)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_and_the_row_answer_alike() {
    let world = World::new().await;
    let following = world.follow();
    let mut lives = Lives::begin(&world).await;
    lives.live(&random(900)).await;
    world.caught_up().await;
    following.stopped().await;
    let reader = &world.reader;
    let everything =
        reader.jobs(&JobFilter::default(), JobOrder::Oldest, ALL, Viewer::All).await.unwrap();
    let rows = everything.rows;
    let orders = [JobOrder::Newest, JobOrder::Oldest, JobOrder::LastChanged];
    let viewers = [Viewer::All, Viewer::Owner(OWNER)];
    let mut found = 0;
    for (number, filter) in every_filter(&rows).iter().enumerate() {
        let (viewer, order) = (viewers[number % 2], orders[number % 3]);
        let matching = rows.iter().filter(|it| filter.matches(it, viewer)).map(|it| it.id);
        let matching: BTreeSet<JobId> = matching.collect();
        let page = reader.jobs(filter, order, ALL, viewer).await.unwrap();
        let selected: BTreeSet<JobId> = page.rows.iter().map(|it| it.id).collect();
        assert_eq!(selected, matching, "{filter:?} {viewer:?}");
        assert_eq!(page.rows.len(), selected.len());
        assert_eq!(reader.count_jobs(filter, viewer).await.unwrap(), matching.len() as u64);
        found += usize::from(!matching.is_empty());
    }
    // Questions that nothing answers prove little.
    assert!(200 < found, "only {found} filters match anything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_what_is_not_theirs() {
    let world = World::new().await;
    let following = world.follow();
    Lives::begin(&world).await.live(&random(200)).await;
    world.caught_up().await;
    following.stopped().await;
    let anything = JobFilter::default();
    let all = world.reader.jobs(&anything, JobOrder::Newest, ALL, Viewer::All);
    for row in all.await.unwrap().rows {
        for viewer in [Viewer::All, Viewer::Owner(OWNER), Viewer::Owner(UserId(Uuid::nil()))] {
            let seen = world.reader.job(row.id, viewer).await.unwrap();
            assert_eq!(seen.is_some(), viewer.sees(row.owner));
            assert!(seen.is_none_or(|it| it == row));
        }
    }
}
