//! Whoever ends what nobody else would end, on a real journal.

use std::time::Duration;

use chrono::TimeDelta;
use commands::{Command, Wishes};
use domain::job::{CrawlSpec, Follow, JobState};
use journal::{Append, NewEvent, StreamId};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workers::Rescuer;

use crate::world::{World, eventually, now};

/// Must never: one job that cannot be read keeps all others from their end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_cannot_be_read_stands_in_the_way_of_no_other() {
    let mut world = World::new().await;
    let crawl = CrawlSpec {
        land: None,
        seeds: vec!["https://example.org/".to_owned()],
        terms: vec!["river".to_owned()],
        depth: 1,
        pages_max: 10,
        languages: vec![],
        follow: Follow::default(),
    };
    // The odd one is due first.
    let ask = |seconds| {
        let expires_at = Some(now() + TimeDelta::seconds(seconds));
        let (crawl, wishes) = (crawl.clone(), Wishes { expires_at, ..Wishes::default() });
        move |id| Command::StartCrawl { id, crawl, wishes }
    };
    let odd = world.request(ask(3)).await;
    let sound = world.request(ask(4)).await;
    // As a newer version may have written it.
    let unheard_of = NewEvent {
        event_id: Uuid::new_v4(),
        event_type: "JobDreamt",
        schema_version: 1,
        payload: "{}".to_owned(),
        metadata: r#"{"actor":"system:rescuer"}"#.to_owned(),
    };
    let version = world.events(odd).await.len() as u64;
    let append = Append {
        stream: StreamId::new("job", odd),
        expected_version: version,
        events: vec![unheard_of],
        idempotency: None,
    };
    world.journal.append(append).await.unwrap();
    // Whoever has not seen it yet has to read it.
    let commands = world.another_process();

    let stop = CancellationToken::new();
    let rescuer = Rescuer {
        commands: commands.clone(),
        reader: world.reader.clone(),
        every: Duration::from_millis(20),
        grace: Duration::ZERO,
    };
    let mut rounds = JoinSet::new();
    rounds.spawn(rescuer.run(stop.clone()));
    eventually("the sound one ends", async || world.job(sound).await.state() == JobState::Expired)
        .await;
    assert!(commands.job_state(odd).await.is_err_and(|it| it.is_damage()));
    stop.cancel();
    rounds.join_next().await.unwrap().unwrap();
    world.stopped().await;
}
