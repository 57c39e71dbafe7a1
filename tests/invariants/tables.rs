//! P1: the tables are what the journal makes of them, whatever happened to those
//! who wrote them.

use std::time::Duration;

use anyhow::Context;
use projections::{checkpoint::Checkpoints, schema};
use sqlx::{AssertSqlSafe, PgPool};

/// How long a projection may be behind, or take to be made anew.
const PATIENCE: Duration = Duration::from_mins(1);

/// Each table, how many rows it has, and what they hash to; once all that the
/// journal holds is in them.
pub(crate) async fn rows(url: &str) -> anyhow::Result<Vec<(String, i64, String)>> {
    let db = PgPool::connect(url).await?;
    let checkpoints = Checkpoints::new(db.clone());
    let head = checkpoints.journal_head().await?;
    for tables in schema::ALL.into_iter().filter(|it| !schema::is_inline(it)) {
        let reached = checkpoints.reached(tables, head, PATIENCE).await?;
        reached.map_err(|at| anyhow::anyhow!("{} is at {at:?} of {head}", tables.name))?;
    }
    let mut all = Vec::new();
    for schema in schema::ALL.map(|it| it.schema()) {
        let tables: Vec<String> = sqlx::query_scalar(
            "select tablename::text from pg_tables where schemaname = $1 order by 1",
        )
        .bind(&schema)
        .fetch_all(&db)
        .await?;
        for table in tables {
            let counted = AssertSqlSafe(format!(
                "select count(*), md5(coalesce(string_agg(t::text, E'\\n' order by t::text), ''))
                 from {schema}.{table} t"
            ));
            let (count, hash) = sqlx::query_as(counted).fetch_one(&db).await?;
            all.push((table, count, hash));
        }
    }
    db.close().await;
    Ok(all)
}

/// Throws all of them away. The next start makes them anew.
pub(crate) async fn drop_all(url: &str) -> anyhow::Result<()> {
    let db = PgPool::connect(url).await?;
    for tables in schema::ALL {
        let dropped = AssertSqlSafe(format!("drop schema {} cascade", tables.schema()));
        sqlx::raw_sql(dropped).execute(&db).await.context(tables.name)?;
    }
    db.close().await;
    Ok(())
}
