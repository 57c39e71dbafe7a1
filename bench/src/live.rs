//! How long after its commit an event is a frame on a subscriber's socket.
//!
//! A hundred subscribers watch a job each, over sockets of their own, while
//! all jobs report progress at a steady rate. A delay is the time from the
//! moment that whoever reported knew it to be durable to the moment that the
//! subscriber had read it, by one clock.
//!
//! The peer is what Postgres brings along: `LISTEN` and `NOTIFY` with the same
//! payload, on a connection for each subscriber. It keeps nothing for who was
//! away, asks nobody who he is, and is paid for by every commit.

mod greffe;
mod notify;

use std::{
    future::Future,
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval_at, timeout},
};

use crate::{
    append,
    figure::{Figure, Report, median},
    load::Sample,
    server::Bench,
};

const ROUNDS: usize = 3;

const SUBSCRIBERS: u32 = 100;

/// Of one job. All of them together: 500 events a second.
const EVERY: Duration = Duration::from_millis(200);

/// What one job reports.
const STEPS: u64 = 25;

/// Not measured: the first frames open connections and fill caches.
const WARM_UP: usize = 5;

/// Nobody notices a delay below this.
const LIMIT_MS: f64 = 20.0;

/// How long the last event may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        append::prepare(bench, report).await?;
        theirs.push(notify::run(bench).await.context("push with NOTIFY")?);
        append::prepare(bench, report).await?;
        ours.push(greffe::run(bench).await.context("push with Greffe")?);
    }
    let p50 = |of: &[Sample]| median(of.iter().map(|it| it.p50_ms).collect());
    let p99 = |of: &[Sample]| median(of.iter().map(|it| it.p99_ms).collect());
    report.add(&Figure::delay("live-p50", p50(&ours), ("limit", LIMIT_MS), 1.0));
    report.add(&Figure::delay("live-p99", p99(&ours), ("limit", LIMIT_MS), 1.0));
    Report::compare(&Figure::delay("live-p50", p50(&ours), ("notify", p50(&theirs)), 0.0));
    Report::compare(&Figure::delay("live-p99", p99(&ours), ("notify", p99(&theirs)), 0.0));
    Ok(())
}

/// Reports one step after another, and returns when it is durable.
trait Reporter: Send + 'static {
    fn report(&mut self, step: u64) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// When each step was known, the first step first.
type Times = Vec<Instant>;

/// Subscribers under way, each with its number.
type Subscribers = JoinSet<anyhow::Result<(usize, Times)>>;

/// Lets all of them report at a steady rate, one after another.
async fn steady<R: Reporter>(
    reporters: Vec<R>,
    subscribers: Subscribers,
) -> anyhow::Result<Sample> {
    let begin = Instant::now() + EVERY;
    let mut tasks = JoinSet::new();
    for (number, mut reporter) in (0..).zip(reporters) {
        let mut ticks = interval_at((begin + EVERY * number / SUBSCRIBERS).into(), EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tasks.spawn(async move {
            let mut durable = Times::new();
            for step in 1..=STEPS {
                ticks.tick().await;
                reporter.report(step).await?;
                durable.push(Instant::now());
            }
            anyhow::Ok((usize::try_from(number)?, durable))
        });
    }
    let durable = all(tasks).await?;
    let seen =
        timeout(PATIENCE, all(subscribers)).await.context("a subscriber waits in vain")??;
    let delays = durable.iter().zip(&seen).flat_map(|(durable, seen)| {
        // A frame may be there before whoever reported is told.
        let delays = durable.iter().zip(seen).map(|(from, to)| to.saturating_duration_since(*from));
        delays.skip(WARM_UP)
    });
    Sample::of(delays.collect(), begin.elapsed())
}

/// What each of them knows, by its number.
async fn all(mut tasks: Subscribers) -> anyhow::Result<Vec<Times>> {
    let mut all = vec![Times::new(); tasks.len()];
    while let Some(done) = tasks.join_next().await {
        let (number, times) = done.context("a subscriber or a reporter panicked")??;
        anyhow::ensure!(times.len() as u64 == STEPS, "{} steps", times.len());
        all[number] = times;
    }
    Ok(all)
}
