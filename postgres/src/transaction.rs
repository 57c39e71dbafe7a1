//! Transactions that are over when nobody waits for them any more.
//!
//! sqlx 0.9.0 loses track of a transaction whose beginning is not waited for
//! to its end: the server has begun it, and the pool gives the connection to
//! somebody else, who then works inside it and whose locks nobody releases.
//! Futures are dropped whenever a client goes away, so that nobody but this
//! module begins transactions on a pool.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use sqlx::{PgPool, Postgres, SqlSafeStr, Transaction};
use tokio::runtime::Handle;

type Begun = Result<Transaction<'static, Postgres>, sqlx::Error>;

/// Begins a transaction. The future may be dropped at any moment.
pub async fn begin(db: &PgPool) -> Begun {
    begin_with(db, "begin").await
}

/// As [`begin`], with a statement that says more about the transaction.
pub async fn begin_with(db: &PgPool, statement: &'static str) -> Begun {
    // Whoever is not waited for here has sent nothing yet.
    let connection = db.acquire().await?;
    let beginning = Transaction::begin(connection, Some(statement.into_sql_str()));
    Beginning(Some(beginning)).await
}

/// A transaction that is being begun, to the end: sqlx rolls back what it
/// knows to have begun.
struct Beginning(Option<Pin<Box<dyn Future<Output = Begun> + Send>>>);

impl Future for Beginning {
    type Output = Begun;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Begun> {
        let Some(beginning) = &mut self.0 else { return Poll::Pending };
        let begun = ready!(beginning.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(begun)
    }
}

impl Drop for Beginning {
    /// A runtime that is going away takes its connections with it.
    fn drop(&mut self) {
        if let (Some(beginning), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move { drop(beginning.await) });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin};

    use sqlx::postgres::PgPoolOptions;

    use super::*;
    use crate::testing::Database;

    /// Polls so often, then drops. Whether it was still under way.
    async fn dropped_after(polls: u32, beginning: impl Future<Output = Begun>) -> bool {
        let (mut beginning, mut left) = (pin!(beginning), polls);
        poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(true);
            }
            left -= 1;
            beginning.as_mut().poll(context).map(|begun| begun.is_err())
        })
        .await
    }

    #[tokio::test]
    async fn a_beginning_that_nobody_waits_for_leaves_no_transaction_open() {
        let database = Database::create().await;
        let one = || PgPoolOptions::new().max_connections(1).connect(database.url());
        let (db, other) = (one().await.unwrap(), one().await.unwrap());
        sqlx::query("create table mark (id int)").execute(&db).await.unwrap();
        let (mut marks, mut under_way) = (0_i32, false);
        // A quick server answers within the first look, and then there is nothing to drop.
        for _ in 0..1_000 {
            let mut polls = 0;
            while dropped_after(polls, begin(&db)).await {
                (polls, marks) = (polls + 1, marks + 1);
                // Committed at once, unless it is inside of something else.
                let marked = sqlx::query("insert into mark values ($1)").bind(marks);
                marked.execute(&db).await.unwrap();
                let seen: i64 = sqlx::query_scalar("select count(*) from mark")
                    .fetch_one(&other)
                    .await
                    .unwrap();
                assert_eq!(seen, i64::from(marks), "the transaction is open still");
            }
            under_way |= 1 < polls;
            if under_way {
                break;
            }
        }
        assert!(under_way, "it was never under way");
        db.close().await;
        other.close().await;
    }

    #[tokio::test]
    async fn a_transaction_is_begun_as_it_is_asked_for() {
        let database = Database::create().await;
        let db = PgPool::connect(database.url()).await.unwrap();
        let mut tx = begin_with(&db, "begin read only").await.unwrap();
        let refused = sqlx::query("create table mark (id int)").execute(&mut *tx).await;
        assert!(refused.unwrap_err().to_string().contains("read-only"));
        drop(tx);
        let mut tx = begin(&db).await.unwrap();
        sqlx::query("create table mark (id int)").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        db.close().await;
    }
}
