//! How fast events are appended: one event each, with an expected version,
//! 240 bytes of payload, durable when answered.
//!
//! The peer is what one would do without a journal: a single-row `insert` into
//! a table with a sequence and a unique (stream, version), over as many
//! connections as there are callers. It is the cheapest thing that refuses two
//! events at one version, and it loses events to whoever follows it.

pub(crate) mod journal;
mod plain;
pub(crate) mod processes;
mod tail;
pub(crate) mod workload;

use std::time::Duration;

use self::workload::Workload;
use crate::{
    figure::{Figure, Report, median},
    load::Sample,
    machine,
    server::Bench,
};

const PEER: &str = "insert";

pub(crate) const ROUNDS: usize = 3;

/// Of one measurement.
pub(crate) const DURATION: Duration = Duration::from_secs(2);

/// Of the figure with four processes.
const PROCESSES: usize = 4;

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for (name, callers, goal) in
        [("append-1", 1, 0.7), ("append-8", 8, 1.0), ("append-256", 256, 6.0)]
    {
        let (mut ours, mut theirs) = (Rounds::default(), Rounds::default());
        for _ in 0..ROUNDS {
            prepare(bench, report).await?;
            theirs.add(plain::run(bench, callers).await?);
            prepare(bench, report).await?;
            ours.add(journal::run(bench, callers, Workload::Notes).await?);
        }
        report.add(&Figure::rate(name, ours.rate(), (PEER, theirs.rate()), goal));
        Report::remark(&format!("{name} ours {ours}, peer {theirs}"));
    }
    measure_at_64(bench, report).await
}

async fn measure_at_64(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let [mut theirs, mut ours, mut folds, mut processes] = [(); 4].map(|()| Rounds::default());
    for _ in 0..ROUNDS {
        prepare(bench, report).await?;
        theirs.add(plain::run(bench, 64).await?);
        prepare(bench, report).await?;
        ours.add(journal::run(bench, 64, Workload::Notes).await?);
        prepare(bench, report).await?;
        folds.add(journal::run(bench, 64, Workload::Jobs).await?);
        prepare(bench, report).await?;
        processes.add(processes::run(bench, PROCESSES, 64 / PROCESSES).await?);
    }
    let peer = (PEER, theirs.rate());
    report.add(&Figure::rate("append-64", ours.rate(), peer, 3.0));
    report.add(&Figure::delay("append-64-p99", ours.p99_ms(), (PEER, theirs.p99_ms()), 3.0));
    report.add(&Figure::rate("append-64-folds", folds.rate(), peer, 2.8));
    report.add(&Figure::rate("append-64-processes", processes.rate(), peer, 1.5));
    Report::remark(&format!("append-64 ours {ours}, peer {theirs}"));
    Report::remark(&format!("append-64 with folds {folds}, in four processes {processes}"));
    Ok(())
}

pub(crate) async fn prepare(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    bench.settle().await?;
    report.note(&machine::look().await?);
    Ok(())
}

/// The same measurement, several times.
#[derive(Default)]
pub(crate) struct Rounds(Vec<Sample>);

impl Rounds {
    pub(crate) fn add(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    pub(crate) fn rate(&self) -> f64 {
        median(self.0.iter().map(|it| it.rate).collect())
    }

    fn p50_ms(&self) -> f64 {
        median(self.0.iter().map(|it| it.p50_ms).collect())
    }

    fn p99_ms(&self) -> f64 {
        median(self.0.iter().map(|it| it.p99_ms).collect())
    }
}

impl std::fmt::Display for Rounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rates: Vec<_> = self.0.iter().map(|it| format!("{:.0}", it.rate)).collect();
        write!(f, "{} (p50 {:.2} ms, p99 {:.2} ms)", rates.join("/"), self.p50_ms(), self.p99_ms())
    }
}
