//! How fast events are appended: one event each, with an expected version,
//! 240 bytes of payload, durable when answered.
//!
//! The peer is what one would do without a journal: a single-row `insert` into
//! a table with a sequence and a unique (stream, version), over as many
//! connections as there are callers. It is the cheapest thing that refuses two
//! events at one version, and it loses events to whoever follows it. It is
//! measured twice: as sparingly sent as can be, and as an application sends it.

pub(crate) mod journal;
mod plain;
pub(crate) mod processes;
mod tail;
pub(crate) mod workload;

use std::time::Duration;

use self::{plain::Plain, workload::Workload};
use crate::{
    figure::{Figure, Report, median},
    load::Sample,
    machine,
    server::Bench,
};

const BARE: &str = "insert";
const POOLED: &str = "pooled-insert";

pub(crate) const ROUNDS: usize = 3;

/// Of one measurement.
pub(crate) const DURATION: Duration = Duration::from_secs(2);

/// Of the figure with four processes.
const PROCESSES: usize = 4;

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for (name, callers, goal) in
        [("append-1", 1, 0.7), ("append-8", 8, 1.0), ("append-256", 256, 6.0)]
    {
        let mut peers = Peers::default();
        let mut ours = Rounds::default();
        for _ in 0..ROUNDS {
            peers.measure(bench, report, callers).await?;
            prepare(bench, report).await?;
            ours.add(journal::run(bench, callers, Workload::Notes).await?);
        }
        report.add(&Figure::rate(name, ours.rate(), peers.pooled.rate_of(POOLED), goal));
        Report::compare(&Figure::rate(name, ours.rate(), peers.bare.rate_of(BARE), goal));
        Report::remark(&format!("{name} ours {ours}, {peers}"));
    }
    measure_at_64(bench, report).await
}

async fn measure_at_64(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let mut peers = Peers::default();
    let [mut ours, mut folds, mut processes] = [(); 3].map(|()| Rounds::default());
    for _ in 0..ROUNDS {
        peers.measure(bench, report, 64).await?;
        prepare(bench, report).await?;
        ours.add(journal::run(bench, 64, Workload::Notes).await?);
        prepare(bench, report).await?;
        folds.add(journal::run(bench, 64, Workload::Jobs).await?);
        prepare(bench, report).await?;
        processes.add(processes::run(bench, PROCESSES, 64 / PROCESSES).await?);
    }
    let figures = |rounds: &Rounds, peer: &'static str| {
        let rate = rounds.rate_of(peer);
        [
            Figure::rate("append-64", ours.rate(), rate, 3.0),
            Figure::rate("append-64-folds", folds.rate(), rate, 2.8),
            Figure::rate("append-64-processes", processes.rate(), rate, 1.5),
            Figure::delay("append-64-p99", ours.p99_ms(), (peer, rounds.p99_ms()), 3.0),
        ]
    };
    for figure in figures(&peers.pooled, POOLED) {
        report.add(&figure);
    }
    for figure in figures(&peers.bare, BARE) {
        Report::compare(&figure);
    }
    Report::remark(&format!("append-64 ours {ours}, {peers}"));
    Report::remark(&format!("append-64 with folds {folds}, in four processes {processes}"));
    Ok(())
}

/// The same number of callers, with the inserts sent in both ways.
#[derive(Default)]
struct Peers {
    bare: Rounds,
    pooled: Rounds,
}

impl Peers {
    async fn measure(
        &mut self,
        bench: &Bench,
        report: &mut Report,
        callers: usize,
    ) -> anyhow::Result<()> {
        prepare(bench, report).await?;
        self.bare.add(plain::run(bench, callers, Plain::Bare).await?);
        prepare(bench, report).await?;
        self.pooled.add(plain::run(bench, callers, Plain::Pooled).await?);
        Ok(())
    }
}

impl std::fmt::Display for Peers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "insert {}, pooled {}", self.bare, self.pooled)
    }
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

    fn rate_of(&self, peer: &'static str) -> (&'static str, f64) {
        (peer, self.rate())
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
