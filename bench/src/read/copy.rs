//! The peer: all rows as Postgres has them, in binary, counted.

use std::time::Instant;

use futures::TryStreamExt;
use sqlx::{Connection, PgConnection};

use super::EVENTS;

/// In which order the rows are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// As the journal gives them.
    OfPositions,
    /// As they lie, for which Postgres needs no index.
    OfTheTable,
}

impl Order {
    fn statement(self) -> &'static str {
        match self {
            Self::OfPositions => {
                "copy (select * from event order by position) to stdout (format binary)"
            }
            Self::OfTheTable => "copy (select * from event) to stdout (format binary)",
        }
    }
}

/// Rows a second.
pub(super) async fn run(url: &str, order: Order) -> anyhow::Result<f64> {
    let mut connection = PgConnection::connect(url).await?;
    let begun = Instant::now();
    let (mut messages, mut bytes) = (0, 0);
    let mut rows = connection.copy_out_raw(order.statement()).await?;
    while let Some(row) = rows.try_next().await? {
        messages += 1;
        bytes += row.len();
    }
    drop(rows);
    let rate = super::journal::rate(begun);
    // A header comes with the first row, and a trailer follows the last.
    anyhow::ensure!((EVENTS..=EVENTS + 2).contains(&messages), "{messages} rows, {bytes} bytes");
    connection.close().await?;
    Ok(rate)
}
