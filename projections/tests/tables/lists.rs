//! Pages, turned forwards and backwards, show each job once.

use commands::Wishes;
use domain::job::JobKind;
use projections::{
    Viewer,
    job_list::{JobFilter, JobOrder, JobRow, Paging},
};

use super::{
    lives::{Lives, random},
    world::World,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn turning_the_pages_either_way_shows_each_job_once() {
    let world = World::new().await;
    let following = world.follow();
    Lives::begin(&world).await.live(&random(400)).await;
    for _ in 0..6 {
        world.create("checksum", Wishes::default()).await;
    }
    world.caught_up().await;
    following.stopped().await;
    let tasks = JobFilter { kinds: Some(vec![JobKind::Task]), ..JobFilter::default() };
    for order in [JobOrder::Newest, JobOrder::Oldest, JobOrder::LastChanged] {
        for filter in [&JobFilter::default(), &tasks] {
            let pages = Pages { world: &world, filter, order };
            let whole = pages.get(paging(10_000)).await.0;
            assert!(5 < whole.len());
            let cursors: Vec<u64> = whole.iter().map(|it| order.cursor(it)).collect();
            let ascending = cursors.is_sorted();
            let descending = cursors.is_sorted_by(|a, b| b < a);
            assert_eq!(
                (ascending, descending),
                (order == JobOrder::Oldest, order != JobOrder::Oldest)
            );
            for limit in [1, 2, 7, 1_000] {
                assert_eq!(pages.forwards(limit).await, whole, "{order:?} {limit}");
                assert_eq!(pages.backwards(limit).await, whole, "{order:?} {limit}");
            }
            let between =
                Paging { after: Some(cursors[1]), before: Some(cursors[4]), ..paging(1_000) };
            assert_eq!(pages.get(between).await, (whole[2..4].to_vec(), false));
        }
    }
}

fn paging(limit: u32) -> Paging {
    Paging { limit, after: None, before: None, from_end: false }
}

struct Pages<'a> {
    world: &'a World,
    filter: &'a JobFilter,
    order: JobOrder,
}

impl Pages<'_> {
    async fn get(&self, paging: Paging) -> (Vec<JobRow>, bool) {
        let jobs = self.world.reader.jobs(self.filter, self.order, paging, Viewer::All);
        let page = jobs.await.unwrap();
        (page.rows, page.more)
    }

    async fn forwards(&self, limit: u32) -> Vec<JobRow> {
        let mut all: Vec<JobRow> = Vec::new();
        loop {
            let after = all.last().map(|it| self.order.cursor(it));
            let (rows, more) = self.get(Paging { after, ..paging(limit) }).await;
            assert!(!more || rows.len() == limit as usize);
            all.extend(rows);
            if !more {
                return all;
            }
        }
    }

    async fn backwards(&self, limit: u32) -> Vec<JobRow> {
        let mut all: Vec<JobRow> = Vec::new();
        loop {
            let before = all.first().map(|it| self.order.cursor(it));
            let (rows, more) = self.get(Paging { before, from_end: true, ..paging(limit) }).await;
            all.splice(..0, rows);
            if !more {
                return all;
            }
        }
    }
}
