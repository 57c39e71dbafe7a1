//! Whoever ends what nobody else would end, on a real journal.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use commands::{Asked, Command, Commands, Wishes};
use domain::{
    Actor, JobId, LeaseId, WorkerId,
    actor::ServiceScope,
    job::{CrawlSpec, Follow, JobCommand, JobState, Phase},
};
use sqlx::Connection;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workers::Rescuer;

use crate::world::{World, eventually, now};

/// Must never: one job that cannot be read keeps all others from their end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_cannot_be_read_stands_in_the_way_of_no_other() {
    let mut world = World::new().await;
    // The odd one is due first.
    let odd = world.request(crawl(Some(3))).await;
    let sound = world.request(crawl(Some(4))).await;
    world.make_unreadable(odd).await;
    // Whoever has not seen it yet has to read it.
    let commands = world.another_process();

    let rescuer = Rescuing::start(&world, commands.clone(), Duration::ZERO);
    eventually("the sound one ends", async || world.job(sound).await.state() == JobState::Expired)
        .await;
    assert!(commands.job_state(odd).await.is_err_and(|it| it.is_damage()));
    rescuer.stopped().await;
    world.stopped().await;
}

/// Must never: a lease is lost since the database went away in the middle of a
/// round, when what had been looked at was looked at in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_that_the_database_keeps_for_long_costs_no_lease() {
    let mut world = World::new().await;
    let job = world.request(crawl(None)).await;
    let worker = WorkerId(Uuid::new_v4());
    let grant = JobCommand::GrantLease { worker, request: None };
    world.ask(job, grant, Asked::by(Actor::Worker { id: worker, scope: ServiceScope::All })).await;
    let Phase::Running(lease) = world.job(job).await.phase else { panic!("it runs") };
    let lease = LeaseId { job, fence: lease.fence };

    let due = world.request(crawl(Some(4))).await;
    let commands = world.another_process();
    let rescuer = Rescuing::start(&world, commands, Duration::from_secs(5));
    eventually("leases are not let be any more because of the start", async || {
        world.job(due).await.state() == JobState::Expired
    })
    .await;
    // The last thing that a round looks at, and nothing that a beat needs.
    let away = world.lock("job_ready").await;
    let then = Instant::now();
    eventually("that is longer than a passing fault", async || {
        Duration::from_millis(2_500) < then.elapsed()
    })
    .await;
    world.run("update lease_beat set expires_at = now() - interval '1 second'").await;
    away.close().await.unwrap();
    rescuer.has_made_a_round(&world).await;

    let held = world.reader.beat(worker, &[lease]).await.unwrap();
    assert_eq!(held.iter().map(|it| it.lease).collect::<Vec<_>>(), [lease]);
    rescuer.stopped().await;
    world.stopped().await;
}

/// A crawl that is due in so many seconds, if it ever is.
fn crawl(due_s: Option<i64>) -> impl FnOnce(JobId) -> Command {
    let crawl = CrawlSpec {
        land: None,
        seeds: vec!["https://example.org/".to_owned()],
        terms: vec!["river".to_owned()],
        depth: 1,
        pages_max: 10,
        languages: vec![],
        follow: Follow::default(),
    };
    let expires_at = due_s.map(|it| now() + TimeDelta::seconds(it));
    let wishes = Wishes { expires_at, ..Wishes::default() };
    move |id| Command::StartCrawl { id, crawl, wishes }
}

/// A rescuer at work.
struct Rescuing {
    rounds: JoinSet<()>,
    stop: CancellationToken,
}

impl Rescuing {
    fn start(world: &World, commands: Commands, grace: Duration) -> Self {
        let (reader, every) = (world.reader.clone(), Duration::from_millis(20));
        let stop = CancellationToken::new();
        let mut rounds = JoinSet::new();
        rounds.spawn(Rescuer { commands, reader, every, grace }.run(stop.clone()));
        Self { rounds, stop }
    }

    /// Comes back when a whole round was made meanwhile. Beats of leases that are
    /// over are forgotten first in each of them, whether leases are let be or not.
    async fn has_made_a_round(&self, world: &World) {
        for _ in 0..2 {
            world.leave_a_beat_of_nobodys().await;
            let gone = async || world.beats_of_nobodys().await == 0;
            eventually("a beat of nobody's is forgotten", gone).await;
        }
    }

    async fn stopped(mut self) {
        self.stop.cancel();
        self.rounds.join_next().await.unwrap().unwrap();
    }
}
