//! Several processes that append to one journal, each with an appender of its
//! own, while another follows them all.

use std::{process::Stdio, sync::Arc};

use ::journal::postgres::{PostgresJournal, Settings};
use anyhow::Context;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, stdin, stdout},
    process::{Child, ChildStdout, Command},
};

use super::{
    DURATION, journal,
    journal::Appender,
    tail,
    workload::{Work, Workload},
};
use crate::{
    load::{self, Sample},
    server::Bench,
};

/// The first argument of a process that this one starts.
pub(crate) const CHILD: &str = "append-child";

/// What a child says when it could begin.
const READY: &str = "ready";

pub(super) async fn run(bench: &Bench, processes: usize, callers: usize) -> anyhow::Result<Sample> {
    let url = journal::database(bench).await?;
    let reading = Arc::new(PostgresJournal::connect(&url, Settings::default(), vec![]).await?);
    let mut children = Vec::new();
    for _ in 0..processes {
        children.push(Writer::start(&url, callers)?);
    }
    for child in &mut children {
        anyhow::ensure!(child.says().await? == READY, "a writer is not ready");
    }
    let following = tail::follow(Arc::clone(&reading));
    for child in &mut children {
        child.begin().await?;
    }
    let mut together = Sample { rate: 0.0, p50_ms: 0.0, p99_ms: 0.0 };
    for child in children {
        let sample = child.end().await?;
        together.rate += sample.rate;
        together.p50_ms = together.p50_ms.max(sample.p50_ms);
        together.p99_ms = together.p99_ms.max(sample.p99_ms);
    }
    following.found_all().await?;
    reading.close().await;
    Ok(together)
}

/// A process that appends.
struct Writer {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Writer {
    fn start(url: &str, callers: usize) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([CHILD, url, &callers.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("start a writer")?;
        let lines = process.stdout.take().context("what the writer says")?;
        Ok(Self { process, lines: BufReader::new(lines).lines() })
    }

    async fn says(&mut self) -> anyhow::Result<String> {
        self.lines.next_line().await?.context("the writer ended too soon")
    }

    async fn begin(&mut self) -> anyhow::Result<()> {
        let stdin = self.process.stdin.as_mut().context("the writer listens")?;
        Ok(stdin.write_all(b"begin\n").await?)
    }

    async fn end(mut self) -> anyhow::Result<Sample> {
        let said = self.says().await?;
        anyhow::ensure!(self.process.wait().await?.success(), "the writer failed");
        let numbers: Vec<f64> = said.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [rate, p50_ms, p99_ms] = numbers[..] else { anyhow::bail!("a writer says: {said}") };
        Ok(Sample { rate, p50_ms, p99_ms })
    }
}

/// What such a process does.
pub(crate) async fn child(arguments: &[String]) -> anyhow::Result<()> {
    let [url, callers] = arguments else { anyhow::bail!("a URL and a number of callers") };
    let journal = Arc::new(PostgresJournal::connect(url, Settings::default(), vec![]).await?);
    let callers = (0..callers.parse()?)
        .map(|_| Appender { journal: Arc::clone(&journal), work: Work::new(Workload::Notes) })
        .collect();
    let mut out = stdout();
    out.write_all(format!("{READY}\n").as_bytes()).await?;
    out.flush().await?;
    BufReader::new(stdin()).lines().next_line().await?.context("told to begin")?;

    let Sample { rate, p50_ms, p99_ms } = load::closed_loop(callers, DURATION).await?;
    journal.close().await;
    out.write_all(format!("{rate} {p50_ms} {p99_ms}\n").as_bytes()).await?;
    Ok(out.flush().await?)
}
