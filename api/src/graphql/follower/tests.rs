//! How soon one is told of what happens. The clock stands still while anything is to be done, and
//! the journal is in memory: what is waited for here, nothing but the follower waits for.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::DateTime;
use commands::{Asked, Command, Commands, Services, Wishes, services::Declaration};
use domain::{
    Actor, UserId, WorkerId,
    actor::{Role, ServiceScope},
    job::{JobCommand, Progress},
};
use journal::Memory;
use serde_json::json;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;

const ANN: UserId = UserId(Uuid::from_u128(1));
const BOB: UserId = UserId(Uuid::from_u128(4));
const WORKER: WorkerId = WorkerId(Uuid::from_u128(2));

/// A journal in memory, and what follows it.
struct World {
    commands: Commands,
    feed: Arc<Feed>,
    _following: JoinSet<()>,
}

/// A job that somebody holds.
#[derive(Clone, Copy)]
struct Held {
    job: JobId,
    fence: u64,
}

impl World {
    fn new() -> Self {
        let journal = Arc::new(Memory::default());
        let declared: Declaration = serde_json::from_value(json!({ "name": "anything" })).unwrap();
        let made = AtomicU64::new(1);
        let commands = Commands::new(
            Arc::clone(&journal) as _,
            Services::try_new([declared]).unwrap(),
            Arc::new(|| DateTime::from_timestamp(1_000, 0).unwrap()),
            Arc::new(move || Uuid::from_u64_pair(3, made.fetch_add(1, Ordering::Relaxed))),
        );
        let feed = Arc::new(Feed::new(journal));
        let mut following = JoinSet::new();
        let followed = Arc::clone(&feed);
        following.spawn(async move { followed.run(CancellationToken::new()).await });
        Self { commands, feed, _following: following }
    }

    async fn held(&self, number: u128) -> Held {
        let job = JobId(Uuid::from_u128(number));
        let (service, body, wishes) = ("anything".to_owned(), json!({}), Wishes::default());
        let create = Command::CreateTask { id: job, service, body, wishes };
        let asked = Asked::by(Actor::User { id: ANN, role: Role::Member });
        self.commands.execute(create, asked).await.unwrap();
        let granted = self.commands.grant(job, WORKER, None, &worker()).await.unwrap().unwrap();
        Held { job, fence: granted.lease.fence }
    }

    async fn progresses(&self, held: Held, done: u64) {
        let progress = Some(Progress { done, total: None, message: None });
        let command = JobCommand::ReportProgress { fence: held.fence, progress, checkpoint: None };
        self.commands.execute(Command::Job(held.job, command), worker()).await.unwrap();
    }

    /// Who follows one job, and has been told how it stands.
    async fn follower(&self, of: Held) -> Follower {
        let mut head = self.feed.head();
        let eyes = Viewer::Owner(ANN);
        let row = self.feed.row_as_of(of.job, u64::MAX).await.unwrap().unwrap();
        let cursor = row.changed_position;
        head.wait_for(|it| cursor <= *it).await.unwrap();
        let sight = Sight { eyes, filter: JobFilter::default(), only: Some(of.job) };
        let mut follower = Follower::new(Arc::clone(&self.feed), sight, cursor, Some(row));
        while !follower.next().await.unwrap().unwrap().caught_up {}
        follower
    }
}

fn worker() -> Asked {
    Asked::by(Actor::Worker { id: WORKER, scope: ServiceScope::All })
}

/// Must never: what was somebody's is shown to them as it is now, when it is another's.
#[tokio::test(start_paused = true)]
async fn who_comes_back_is_told_of_what_was_given_away_only_that_it_is_so() {
    let world = World::new();
    let (mine, given) = (world.held(10).await, world.held(11).await);
    let before = world.feed.row_as_of(mine.job, u64::MAX).await.unwrap().unwrap().changed_position;
    world.progresses(given, 1).await;
    let give = JobCommand::TransferJob { from: Some(ANN), to: BOB };
    let ann = Asked::by(Actor::User { id: ANN, role: Role::Member });
    world.commands.execute(Command::Job(given.job, give), ann).await.unwrap();
    world.progresses(given, 2).await;
    world.progresses(mine, 1).await;
    let all = world.feed.row_as_of(mine.job, u64::MAX).await.unwrap().unwrap().changed_position;
    world.feed.head().wait_for(|it| all <= *it).await.unwrap();
    let eyes = Viewer::Owner(ANN);
    let sight = Sight { eyes, filter: JobFilter::default(), only: None };
    let mut follower = Follower::new(Arc::clone(&world.feed), sight, before, None);
    let events = follower.next().await.unwrap().unwrap().events;
    let told = events.iter().map(|it| match it {
        JobChange::Added(_) => "added",
        JobChange::Changed(_) => "changed",
        JobChange::Removed(_) => "removed",
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        ["removed", "changed"],
        "what was given, and what was not"
    );
}

async fn told(follower: &mut Follower) -> usize {
    follower.next().await.unwrap().unwrap().events.len()
}

#[tokio::test(start_paused = true)]
async fn the_first_event_after_a_quiet_moment_is_told_at_once() {
    let world = World::new();
    let mine = world.held(10).await;
    let mut follower = world.follower(mine).await;
    for done in 1..=3 {
        assert!(timeout(PAUSE, follower.next()).await.is_err(), "nothing happens");
        let begun = Instant::now();
        world.progresses(mine, done).await;
        assert_eq!(told(&mut follower).await, 1);
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_because_others_are_busy() {
    let world = World::new();
    let (mine, other) = (world.held(10).await, world.held(11).await);
    let mut follower = world.follower(mine).await;
    for done in 1..=20 {
        world.progresses(other, done).await;
        let mut next = pin!(follower.next());
        assert!(timeout(Duration::from_millis(1), &mut next).await.is_err(), "it is not mine");
    }
    let begun = Instant::now();
    world.progresses(mine, 1).await;
    assert_eq!(told(&mut follower).await, 1);
    assert!(begun.elapsed() <= PAUSE_IN_VAIN, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_happens_in_a_busy_moment_is_told_together() {
    let world = World::new();
    let mine = world.held(10).await;
    let mut follower = world.follower(mine).await;
    assert!(timeout(PAUSE, follower.next()).await.is_err(), "nothing happens");
    let begun = Instant::now();
    world.progresses(mine, 1).await;
    assert_eq!(told(&mut follower).await, 1);
    for done in 2..=9 {
        world.progresses(mine, done).await;
        assert!(timeout(Duration::from_millis(1), follower.next()).await.is_err(), "too soon");
    }
    assert_eq!(told(&mut follower).await, 8);
    assert_eq!(begun.elapsed(), PAUSE);
}
