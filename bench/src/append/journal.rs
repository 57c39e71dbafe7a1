//! Ours: the journal of one process, and a reader who follows it.

use std::sync::Arc;

use ::journal::{
    Journal,
    postgres::{PostgresJournal, Settings},
};
use projections::{
    dispatch,
    schema::{self, OtherVersion},
};
use sqlx::{PgPool, postgres::PgConnectOptions};

use super::{
    DURATION, tail,
    workload::{Work, Workload},
};
use crate::{
    load::{self, Caller, Sample},
    server::Bench,
};

pub(crate) const DATABASE: &str = "bench_journal";

pub(crate) async fn run(
    bench: &Bench,
    callers: usize,
    workload: Workload,
) -> anyhow::Result<Sample> {
    let url = database(bench).await?;
    let journal = Arc::new(open(&url, workload).await?);
    let following = tail::follow(Arc::clone(&journal));
    let callers = (0..callers)
        .map(|_| Appender { journal: Arc::clone(&journal), work: Work::new(workload) })
        .collect();
    let sample = load::closed_loop(callers, DURATION).await?;
    following.found_all().await?;
    journal.close().await;
    bench.drop(DATABASE).await?;
    Ok(sample)
}

/// A new database with the journal's tables.
pub(crate) async fn database(bench: &Bench) -> anyhow::Result<String> {
    let url = bench.database(DATABASE).await?;
    let pool = PgPool::connect(&url).await?;
    sqlx::migrate!("../migrations").run(&pool).await?;
    pool.close().await;
    Ok(url)
}

/// With the dispatch tables, if there are jobs to dispatch.
pub(crate) async fn open(url: &str, workload: Workload) -> anyhow::Result<PostgresJournal> {
    let folds = match workload {
        Workload::Notes => {
            return Ok(PostgresJournal::connect(url, Settings::default(), vec![]).await?);
        }
        Workload::Jobs => dispatch::inline_folds(),
    };
    let options = schema::options(url.parse::<PgConnectOptions>()?);
    let pool = PgPool::connect_with(options.clone()).await?;
    let empty = PostgresJournal::connect(url, Settings::default(), vec![]).await?;
    let empty: Arc<dyn Journal> = Arc::new(empty);
    schema::prepare(&pool, empty, OtherVersion::Replace).await?;
    pool.close().await;
    Ok(PostgresJournal::connect_with(options, Settings::default(), folds).await?)
}

pub(super) struct Appender {
    pub(super) journal: Arc<PostgresJournal>,
    pub(super) work: Work,
}

impl Caller for Appender {
    async fn call(&mut self) -> anyhow::Result<()> {
        self.journal.append(self.work.next()?).await?;
        Ok(())
    }
}
