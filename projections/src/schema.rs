//! Where the tables live: each projection in a schema of its own, named after
//! it and its version, so that a new version is built beside the old one while
//! that goes on serving.

use std::sync::Arc;

use futures::TryStreamExt;
use journal::{Journal, postgres::fold::hold_head};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, postgres::PgConnectOptions};

use crate::{
    checkpoint, client_quota,
    fact::{Fact, Unreadable},
    job_content::JobContent,
    job_lease,
    job_list::JobList,
    job_ready,
    job_statistics::JobStatistics,
    job_timeline::JobTimeline,
    land::Lands,
    page::Pages,
    projection::Projection,
};

/// A projection's tables.
#[derive(Clone, Copy, Debug)]
pub struct Tables {
    /// What the projection is called.
    pub name: &'static str,
    /// Which version of it this program computes.
    pub version: i16,
    /// What makes them.
    pub ddl: &'static str,
}

/// Every projection of this program.
pub const ALL: [Tables; 9] = [
    job_ready::TABLES,
    job_lease::TABLES,
    client_quota::TABLES,
    JobList::TABLES,
    JobContent::TABLES,
    JobTimeline::TABLES,
    Lands::TABLES,
    Pages::TABLES,
    JobStatistics::TABLES,
];

impl Tables {
    /// The schema that they live in.
    pub fn schema(&self) -> String {
        format!("{}_v{}", self.name, self.version)
    }

    /// The tables themselves, each with its schema.
    fn each(&self) -> Vec<String> {
        let names = self.ddl.split("create table ").skip(1);
        let names = names.filter_map(|it| it.split([' ', '(']).next());
        names.map(|it| format!("{}.{it}", self.schema())).collect()
    }
}

/// Whether these tables move in the append's own statement, and so have no
/// checkpoint of their own.
pub fn is_inline(tables: &Tables) -> bool {
    [job_ready::TABLES, job_lease::TABLES, client_quota::TABLES]
        .iter()
        .any(|it| it.name == tables.name)
}

/// Lets connections see the tables of this program's versions.
pub fn options(options: PgConnectOptions) -> PgConnectOptions {
    options.options([("search_path", search_path())])
}

/// Where connections find the tables of this program's versions.
pub fn search_path() -> String {
    let schemas: Vec<String> = ALL.iter().map(Tables::schema).collect();
    format!("public,{}", schemas.join(","))
}

/// Why the tables are not there.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The database does not do as it is told.
    #[error("the read models cannot be made")]
    Database(#[from] sqlx::Error),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] journal::JournalError),
    /// The journal holds what this program does not understand.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Somebody has taken away what this program made.
    #[error("{missing} is missing: drop the schema {schema}, and it is made anew")]
    Incomplete {
        /// Where it should be.
        schema: String,
        /// What is not there.
        missing: String,
    },
    /// The tables that move with the append are of another version.
    #[error(
        "{schema} is of another version of greffe: `greffe migrate` replaces it, which a process \
         of that version that serves does not survive"
    )]
    OtherVersion {
        /// Where they are.
        schema: String,
    },
}

/// What becomes of a version of an inline projection that is not this
/// program's. Only one can be true: an append moves those that the program
/// knows by which it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherVersion {
    /// It is removed, and this program's made anew. A process of the other
    /// version that still runs can append no more, and says so.
    Replace,
    /// The same, if it is older. A newer one stays, as with
    /// [`Respect`](Self::Respect): two programs must not take turns.
    ReplaceOlder,
    /// It stays, and nothing is made: [`SchemaError::OtherVersion`].
    Respect,
}

/// Makes what is missing. The tables of the others fill as they follow the
/// journal; those that move with the append are filled here, from the whole
/// journal, while nobody can append.
pub async fn prepare(
    db: &PgPool,
    journal: Arc<dyn Journal>,
    other: OtherVersion,
) -> Result<(), SchemaError> {
    for tables in ALL {
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            match prepare_one(db, &*journal, tables, other).await {
                Err(SchemaError::Database(error)) if 0 < left && is_deadlock(&error) => {}
                done => break done?,
            }
        }
    }
    Ok(())
}

/// How often tables are tried to be made if somebody who appends is in the way.
const ATTEMPTS: u32 = 5;

fn is_deadlock(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|it| it == "40P01")
}

async fn prepare_one(
    db: &PgPool,
    journal: &dyn Journal,
    tables: Tables,
    other: OtherVersion,
) -> Result<(), SchemaError> {
    let mut tx = postgres::begin(db).await?;
    // One process at a time; the others then find it done.
    sqlx::query("select pg_advisory_xact_lock(hashtext('greffe projections'))")
        .execute(&mut *tx)
        .await?;
    let others =
        if is_inline(&tables) { other_versions(&mut tx, &tables).await? } else { Vec::new() };
    let is_left = |version: i16| match other {
        OtherVersion::Replace => false,
        OtherVersion::ReplaceOlder => tables.version < version,
        OtherVersion::Respect => true,
    };
    if let Some(theirs) = others.iter().find(|it| is_left(it.version)) {
        return Err(SchemaError::OtherVersion { schema: theirs.schema() });
    }
    let exists = exists(&mut tx, &tables).await?;
    if exists && others.is_empty() {
        let missing = missing(&mut tx, &tables).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let (schema, missing) = (tables.schema(), missing.join(", "));
        return Err(SchemaError::Incomplete { schema, missing });
    }
    tracing::info!(projection = tables.name, version = tables.version, "making its tables");
    // Before the head is held: whoever appends holds these first, and then the head.
    for schema in others.iter().chain(exists.then_some(&tables)).map(Tables::schema) {
        tracing::info!(schema, "removing tables that stand still");
        let drop = format!("drop schema {schema} cascade");
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut *tx).await?;
    }
    create(&mut tx, &tables).await?;
    if is_inline(&tables) {
        fill(&mut tx, &tables, journal).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The tables of a projection that are of other versions of this program.
async fn other_versions(
    db: &mut PgConnection,
    tables: &Tables,
) -> Result<Vec<Tables>, sqlx::Error> {
    let schemas = sqlx::query_scalar!(
        r#"select nspname::text as "nspname!" from pg_namespace
           where starts_with(nspname::text, $1::text || '_v') order by 1"#,
        tables.name
    )
    .fetch_all(db)
    .await?;
    let version = |it: &String| it.rsplit_once("_v")?.1.parse().ok();
    let versions = schemas.iter().filter_map(version).filter(|it| *it != tables.version);
    Ok(versions.map(|version| Tables { version, ..*tables }).collect())
}

async fn exists(db: &mut PgConnection, tables: &Tables) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from pg_namespace where nspname = $1) as "exists!""#,
        tables.schema()
    )
    .fetch_one(db)
    .await
}

/// Those of the tables that should be there and are not.
pub(crate) async fn missing(
    db: &mut PgConnection,
    tables: &Tables,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select it as "it!" from unnest($1::text[]) as it where to_regclass(it) is null"#,
        &tables.each()
    )
    .fetch_all(db)
    .await
}

async fn create(db: &mut PgConnection, tables: &Tables) -> Result<(), sqlx::Error> {
    let schema = tables.schema();
    // Names and DDL are constants of this program.
    let ddl = format!(
        "create schema {schema}; set local search_path to {schema}; {}; \
         set local search_path to public, {schema}",
        tables.ddl
    );
    sqlx::raw_sql(AssertSqlSafe(ddl)).execute(&mut *db).await?;
    checkpoint::begin(db, tables).await
}

/// Appends are kept out until this commits; they find the tables complete.
async fn fill(
    db: &mut PgConnection,
    tables: &Tables,
    journal: &dyn Journal,
) -> Result<(), SchemaError> {
    hold_head(db).await?;
    if tables.name == job_ready::TABLES.name {
        let mut standings = job_ready::Standings::default();
        replay(journal, |fact| standings.take_in(fact)).await?;
        standings.store(db).await?;
    } else if tables.name == job_lease::TABLES.name {
        let mut leases = job_lease::Leases::default();
        replay(journal, |fact| leases.take_in(fact)).await?;
        leases.store(db).await?;
    } else {
        let mut counters = client_quota::Counters::default();
        replay(journal, |fact| counters.take_in(fact)).await?;
        counters.store(db).await?;
    }
    Ok(())
}

async fn replay(
    journal: &dyn Journal,
    mut take_in: impl FnMut(&Fact) + Send,
) -> Result<(), SchemaError> {
    let mut events = journal.replay(0);
    while let Some(recorded) = events.try_next().await? {
        take_in(&Fact::read(&Arc::new(recorded))?);
    }
    Ok(())
}
