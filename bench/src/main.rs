//! Greffe beside its peers, on this machine, in turn.
//!
//! One module per figure. `bench` measures all of them, `bench append` those
//! whose names begin so. `docs/benchmarks.md` says how to read the lines.

mod append;
mod child;
mod command;
mod crawl;
mod figure;
mod life;
mod live;
mod load;
mod machine;
mod read;
mod report;
mod server;
mod site;
mod socket;
mod system;
mod works;

use std::env;

use anyhow::Context;

use crate::{figure::Report, server::Bench};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [part, rest @ ..] = arguments.as_slice() {
        match part.as_str() {
            append::processes::CHILD => return append::processes::child(rest).await,
            site::CHILD => return site::child().await,
            report::CHILD => return report::child(rest).await,
            crawl::CHILD => return crawl::child(rest).await,
            _ => {}
        }
    }
    let wanted = |figure: &str| {
        arguments.is_empty() || arguments.iter().any(|it| figure.starts_with(it.as_str()))
    };

    let bench = Bench::start().await.context("start a Postgres for the benchmarks")?;
    let mut report = Report::begin(&machine::describe(bench.folder())?);
    if wanted("append") {
        append::measure(&bench, &mut report).await.context("measure appends")?;
    }
    if wanted("command") {
        command::measure(&bench, &mut report).await.context("measure commands")?;
    }
    if wanted("live") {
        live::measure(&bench, &mut report).await.context("measure what is live")?;
    }
    if wanted("read") {
        read::measure(&bench, &mut report).await.context("measure reads")?;
    }
    if wanted("crawl") {
        crawl::measure(&bench, &mut report).await.context("measure crawls")?;
    }
    if wanted("report") {
        report::measure(&bench, &mut report).await.context("measure reports")?;
    }
    bench.stop().await
}
