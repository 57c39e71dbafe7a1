//! Ours: a whole system, whose write side is told in the same process, as an
//! API that workers report to tells it.

use std::time::Instant;

use anyhow::Context;
use app::system::id;
use domain::UserId;

use super::{Reporter, STEPS, SUBSCRIBERS, Subscribers, Times};
use crate::{life::Life, load::Sample, server::Bench, socket::Watching, system::Whole};

const DATABASE: &str = "bench_live";

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Sample> {
    let files = tempfile::tempdir()?;
    let folder = files.path().to_str().context("a folder for files")?;
    let whole = Whole::start(&bench.database(DATABASE).await?, folder).await?;
    let owner = UserId(id());
    let (mut lives, mut subscribers) = (Vec::new(), Subscribers::new());
    for number in 0..SUBSCRIBERS as usize {
        let mut life = Life::new(whole.commands(), owner).await?;
        life.create().await?;
        life.take().await?;
        let mut watching = whole.watch(life.job()).await?;
        watching.next().await?;
        subscribers.spawn(async move { Ok((number, seen(watching).await?)) });
        lives.push(life);
    }
    let sample = super::steady(lives, subscribers).await?;
    whole.stop().await?;
    bench.drop(DATABASE).await?;
    Ok(sample)
}

impl Reporter for Life {
    async fn report(&mut self, step: u64) -> anyhow::Result<()> {
        self.progress(step, STEPS).await
    }
}

/// When each step was seen. Steps that come together are seen together.
async fn seen(mut watching: Watching) -> anyhow::Result<Times> {
    let mut seen = Times::new();
    while (seen.len() as u64) < STEPS {
        let job = watching.next().await?;
        let done = usize::try_from(job["progress"]["done"].as_u64().unwrap_or_default())?;
        if seen.len() < done {
            seen.resize(done, Instant::now());
        }
    }
    watching.close().await?;
    Ok(seen)
}
