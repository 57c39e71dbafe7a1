//! How long a report of thirty fields from two hundred pages takes, written by
//! Greffe itself, and whether more pages take more memory.
//!
//! It has no peer: what is compared is the memory for fifty pages and for two
//! hundred, each in a process of its own.

mod docx;
mod greffe;
mod pages;
mod pdf;
mod source;

use anyhow::Context;
use serde::{Deserialize, Serialize};

pub(crate) use greffe::{CHILD, child};

use crate::{
    append,
    figure::{Figure, Report, median},
    server::Bench,
};

const ROUNDS: usize = 3;

const FEW: u32 = 50;
const MANY: u32 = 200;

/// Longer, and whoever asked has gone for a coffee.
const LIMIT_S: f64 = 30.0;

/// What a report took.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Written {
    seconds: f64,
    /// The most memory that the process had, in kibibytes.
    peak_kib: u64,
}

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        append::prepare(bench, report).await?;
        few.push(greffe::run(bench, FEW).await.context("a report of few pages")?);
        append::prepare(bench, report).await?;
        many.push(greffe::run(bench, MANY).await.context("a report of many pages")?);
    }
    let seconds = |of: &[Written]| median(of.iter().map(|it| it.seconds).collect());
    #[expect(clippy::cast_precision_loss, reason = "no memory is that large")]
    let mib = |of: &[Written]| median(of.iter().map(|it| it.peak_kib as f64 / 1024.0).collect());
    let time = Figure::delay("report", seconds(&many), ("limit", LIMIT_S), 1.0);
    report.add(&Figure { unit: "s", ..time });
    let memory = Figure::delay("report-memory", mib(&many), ("50-pages", mib(&few)), 0.8);
    report.add(&Figure { unit: "MiB", ..memory });
    Report::remark(&format!("report of {FEW} pages in {:.2} s", seconds(&few)));
    Ok(())
}
