//! Callers that ask again as soon as they have an answer.

use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::task::JoinSet;

/// Does one thing, over and over.
pub(crate) trait Caller: Send + 'static {
    fn call(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// What callers achieved together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) rate: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Not measured: connections are opened, statements are prepared.
const WARM_UP: Duration = Duration::from_millis(400);

/// Lets all of them ask for so long, each as fast as it is answered.
pub(crate) async fn closed_loop<C: Caller>(
    callers: Vec<C>,
    duration: Duration,
) -> anyhow::Result<Sample> {
    let begin = Instant::now() + WARM_UP;
    let end = begin + duration;
    let mut tasks = JoinSet::new();
    for mut caller in callers {
        tasks.spawn(async move {
            let mut delays = Vec::new();
            loop {
                let asked = Instant::now();
                if end <= asked {
                    return anyhow::Ok(delays);
                }
                caller.call().await?;
                let answered = Instant::now();
                if begin <= answered && answered < end {
                    delays.push(answered - asked);
                }
            }
        });
    }
    let mut delays = Vec::new();
    while let Some(done) = tasks.join_next().await {
        delays.extend(done.context("a caller panicked")??);
    }
    Sample::of(delays, duration)
}

impl Sample {
    #[expect(clippy::cast_precision_loss, reason = "counts of seconds, not of ages")]
    pub(crate) fn of(mut delays: Vec<Duration>, duration: Duration) -> anyhow::Result<Self> {
        anyhow::ensure!(!delays.is_empty(), "nothing was answered within {duration:?}");
        delays.sort_unstable();
        let at = |hundredth: usize| {
            delays[(delays.len() * hundredth / 100).min(delays.len() - 1)].as_secs_f64() * 1000.0
        };
        let rate = delays.len() as f64 / duration.as_secs_f64();
        Ok(Self { rate, p50_ms: at(50), p99_ms: at(99) })
    }
}
