//! How fast the whole journal is read: in one replay, and page by page as
//! those who follow it read.
//!
//! The peer is the least that Postgres can do: the same rows in the same order
//! as a binary `COPY … TO STDOUT`, whose bytes are counted and not looked at.

mod copy;
mod journal;

use ::journal::{
    Journal,
    postgres::{PostgresJournal, Settings},
};
use anyhow::Context;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use self::copy::Order;
use crate::{
    append,
    figure::{Figure, Report, median},
    server::Bench,
};

const DATABASE: &str = "bench_read";

const EVENTS: u64 = 300_000;

/// One read takes a second at most, so that more of them can be had.
const ROUNDS: usize = 5;

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let url = filled(bench).await?;
    let [mut ordered, mut unordered, mut replays, mut pages] = [(); 4].map(|()| Vec::new());
    for _ in 0..ROUNDS {
        append::prepare(bench, report).await?;
        ordered.push(copy::run(&url, Order::OfPositions).await?);
        unordered.push(copy::run(&url, Order::OfTheTable).await?);
        // Opened anew each time, so that nothing is answered from memory.
        let journal = PostgresJournal::connect(&url, Settings::default(), vec![]).await?;
        replays.push(journal::replay(&journal).await?);
        pages.push(journal::pages(&journal).await?);
        journal.close().await;
    }
    bench.drop(DATABASE).await?;

    let (replay, keyset) = (median(replays), median(pages));
    let peer = ("copy", median(ordered));
    report.add(&Figure::rate("read-replay", replay, peer, 0.8));
    report.add(&Figure::rate("read-keyset", keyset, peer, 0.5));
    let unordered = ("copy-unordered", median(unordered));
    Report::compare(&Figure::rate("read-replay", replay, unordered, 0.8));
    Report::compare(&Figure::rate("read-keyset", keyset, unordered, 0.5));
    Ok(())
}

/// A journal of so many events, at rest.
async fn filled(bench: &Bench) -> anyhow::Result<String> {
    let url = bench.database(DATABASE).await?;
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::migrate!("../migrations").run(&mut connection).await?;
    let journal = PostgresJournal::connect(&url, Settings::default(), vec![]).await?;
    journal::fill(&journal, EVENTS).await.context("fill the journal")?;
    anyhow::ensure!(*journal.head().borrow() == EVENTS, "the journal is not full");
    journal.close().await;
    // What the first reader of a row would do for all later ones.
    sqlx::raw_sql(AssertSqlSafe("vacuum (freeze, analyze)")).execute(&mut connection).await?;
    connection.close().await?;
    Ok(url)
}
