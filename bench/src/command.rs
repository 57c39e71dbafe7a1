//! How fast commands are carried out through the whole write side of one
//! process: authorised, loaded, decided, appended with the dispatch tables.
//!
//! The peer is the bare append of the same events: what the write side adds is
//! the rest.

use std::sync::Arc;

use app::system::{id, now};
use commands::Commands;
use domain::UserId;
use journal::Journal;

use crate::{
    append::{self, Rounds, journal as appended, workload::Workload},
    figure::{Figure, Report},
    life::{self, Life},
    load::{self, Caller, Sample},
    server::Bench,
};

/// How many reports of progress a job lives through, as in the bare append.
const PROGRESSES: u64 = 17;

const CALLERS: usize = 64;

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let (mut ours, mut theirs) = (Rounds::default(), Rounds::default());
    for _ in 0..append::ROUNDS {
        append::prepare(bench, report).await?;
        theirs.add(appended::run(bench, CALLERS, Workload::Jobs).await?);
        append::prepare(bench, report).await?;
        ours.add(run(bench).await?);
    }
    let peer = ("append", theirs.rate());
    report.add(&Figure::rate("command-64", ours.rate(), peer, 0.5));
    Report::remark(&format!("command-64 ours {ours}, peer {theirs}"));
    Ok(())
}

async fn run(bench: &Bench) -> anyhow::Result<Sample> {
    let url = appended::database(bench).await?;
    let journal = Arc::new(appended::open(&url, Workload::Jobs).await?);
    let writes: Arc<dyn Journal> = Arc::clone(&journal) as _;
    let commands = Commands::new(writes, life::services()?, Arc::new(now), Arc::new(id));
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let life = Life::new(commands.clone(), UserId(id())).await?;
        callers.push(Lives { life, step: 0 });
    }
    let sample = load::closed_loop(callers, append::DURATION).await?;
    journal.close().await;
    bench.drop(appended::DATABASE).await?;
    Ok(sample)
}

/// One job after another.
struct Lives {
    life: Life,
    step: u64,
}

impl Caller for Lives {
    async fn call(&mut self) -> anyhow::Result<()> {
        match self.step {
            0 => self.life.create().await?,
            1 => self.life.take().await?,
            step if step < PROGRESSES + 2 => self.life.progress(step, PROGRESSES + 2).await?,
            _ => self.life.complete().await?,
        }
        self.step = (self.step + 1) % (PROGRESSES + 3);
        Ok(())
    }
}
