//! A database for each test, on a real server.
//!
//! The server is the one that `GREFFE_TEST_DATABASE_URL` names, or one of its
//! own under `target/test-postgres`, which is left running: the next test run
//! adopts it. It is as durable as any other, so that tests see the locks and
//! the waits of production.

use std::{
    env,
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::OnceCell;

use crate::{Server, Settings};

/// Names the server for tests, as a superuser reaches it.
const VARIABLE: &str = "GREFFE_TEST_DATABASE_URL";

/// How old a database of another machine must be to be taken for forgotten:
/// tests that are killed do not clear up.
const FORGOTTEN_AFTER_S: i64 = 3600;

/// An empty database of its own, dropped with this value.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: String,
}

impl Database {
    /// Panics when there is no server to be had: no test can go on then.
    pub async fn create() -> Self {
        Self::create_from("template0").await
    }

    /// A copy of a database that `fill` fills the first time anybody asks for
    /// this `key`: migrations are run once, not once per test. What is filled
    /// in must be named by the key, with a digest of it for example.
    pub async fn create_filled<F: AsyncFnOnce(&str)>(key: &str, fill: F) -> Self {
        let template = format!("greffe_template_{key}");
        let mut admin = admin().await;
        // One process fills, the others wait for it.
        run(&mut admin, "select pg_advisory_lock(hashtext('greffe templates'))").await;
        if !exists(&mut admin, &template).await {
            let unfinished = Self::create().await;
            fill(&unfinished.url).await;
            let rename = format!("alter database {} rename to {template}", unfinished.name);
            run(&mut admin, &rename).await;
        }
        admin.close().await.expect("the connection can be closed");
        Self::create_from(&template).await
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    async fn create_from(template: &str) -> Self {
        let mut admin = admin().await;
        let name = name(&mut admin).await;
        run(&mut admin, &format!("create database {name} template {template}")).await;
        admin.close().await.expect("the connection can be closed");
        let url = url_of(&name, admin_url().await);
        Self { name, url }
    }
}

/// How long a test waits for its database to go.
const DROPPED_WITHIN: Duration = Duration::from_millis(250);

impl Drop for Database {
    /// On a thread and a runtime of its own: a test's runtime may be the very
    /// thread that drops. For that reason it is not waited for either: the
    /// server drops nothing while a connection is being opened, and those of
    /// the test are not while its thread waits here. What is left behind is
    /// found by [`sweep`].
    fn drop(&mut self) {
        let statement = format!("drop database if exists {} with (force)", self.name);
        let (done, dropped) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                let Some(url) = URL.get() else { return };
                if let Ok(mut admin) = PgConnection::connect(url).await {
                    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut admin).await.ok();
                }
            });
            done.send(()).ok();
        });
        dropped.recv_timeout(DROPPED_WITHIN).ok();
    }
}

static URL: OnceCell<String> = OnceCell::const_new();

/// Kept for as long as the process lives, which then counts as a user of the
/// server.
static SERVER: OnceCell<Server> = OnceCell::const_new();

async fn admin_url() -> &'static str {
    URL.get_or_init(async || {
        let url = match env::var(VARIABLE) {
            Ok(url) => url,
            Err(_) => SERVER.get_or_init(start).await.url("postgres"),
        };
        sweep(&url).await;
        url
    })
    .await
}

async fn start() -> Server {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")),
        PathBuf::from,
    );
    let settings = Settings::new(target.join("test-postgres"));
    Server::start(&settings).await.expect("a server for the tests starts")
}

async fn admin() -> PgConnection {
    let url = admin_url().await;
    PgConnection::connect(url).await.expect("the server for the tests answers")
}

async fn run(admin: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(admin)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}

async fn exists(admin: &mut PgConnection, database: &str) -> bool {
    sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(database)
        .fetch_one(admin)
        .await
        .expect("databases can be listed")
}

/// Unique among processes, and says when it was made.
async fn name(admin: &mut PgConnection) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now: i64 = sqlx::query_scalar("select extract(epoch from now())::bigint")
        .fetch_one(admin)
        .await
        .expect("the server knows the time");
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    format!("greffe_test_{now}_{process}_{count}_{}_{:08x}", boot(), rand::random::<u32>())
}

/// Tells the processes of this machine, since it was started, from others.
fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.chars().take_while(char::is_ascii_hexdigit).collect()
}

/// Whether the process that made a database has ended without dropping it.
fn is_orphan(name: &str) -> bool {
    let parts: Vec<&str> = name.split('_').collect();
    let [_, _, _, process, _, made_at, _] = parts.as_slice() else { return false };
    let boot = boot();
    !boot.is_empty() && *made_at == boot && !Path::new("/proc").join(process).exists()
}

/// Drops what tests that have ended left behind.
async fn sweep(url: &str) {
    let mut admin = PgConnection::connect(url).await.expect("the server for the tests answers");
    let databases: Vec<(String, bool)> = sqlx::query_as(
        "select datname,
             split_part(datname, '_', 3)::bigint < extract(epoch from now()) - $1
         from pg_database where datname ~ '^greffe_test_[0-9]+_'",
    )
    .bind(FORGOTTEN_AFTER_S)
    .fetch_all(&mut admin)
    .await
    .expect("databases can be listed");
    let left = databases.into_iter().filter(|(name, forgotten)| *forgotten || is_orphan(name));
    for (name, _) in left {
        // Another process may be sweeping, too.
        let statement = format!("drop database if exists {name} with (force)");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut admin).await.ok();
    }
}

/// The URL of another database on the same server.
fn url_of(database: &str, admin_url: &str) -> String {
    let (address, query) = match admin_url.split_once('?') {
        Some((address, query)) => (address, format!("?{query}")),
        None => (admin_url, String::new()),
    };
    let authority = address.find("://").map_or(0, |it| it + 3);
    let end = address[authority..].find('/').map_or(address.len(), |it| authority + it);
    format!("{}/{database}{query}", &address[..end])
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn the_url_of_another_database_differs_in_its_name_alone() {
        for (admin, expected) in [
            ("postgres://a:b@127.0.0.1:5432/postgres", "postgres://a:b@127.0.0.1:5432/x"),
            ("postgres://h/postgres?sslmode=disable", "postgres://h/x?sslmode=disable"),
            ("postgres://h", "postgres://h/x"),
        ] {
            assert_eq!(url_of("x", admin), expected);
        }
    }

    #[tokio::test]
    async fn each_test_has_a_database_of_its_own_that_goes_with_it() {
        let (one, other) = (Database::create().await, Database::create().await);
        assert_ne!(one.url(), other.url());
        let mut connection = PgConnection::connect(one.url()).await.unwrap();
        run(&mut connection, "create table mark (id int)").await;
        let (mut admin, name) = (admin().await, one.name.clone());
        assert!(exists(&mut admin, &name).await);
        drop(one);
        let deadline = Instant::now() + Duration::from_secs(30);
        while exists(&mut admin, &name).await {
            assert!(Instant::now() < deadline, "it stays");
        }
        assert!(exists(&mut admin, &other.name).await);
    }

    #[tokio::test]
    async fn what_is_filled_once_is_there_in_every_copy() {
        static FILLED: AtomicU64 = AtomicU64::new(0);
        let key = format!("testing_{}", std::process::id());
        let copy = || {
            Database::create_filled(&key, async |url| {
                FILLED.fetch_add(1, Ordering::Relaxed);
                let mut connection = PgConnection::connect(url).await.unwrap();
                run(&mut connection, "create table mark as select 7 as id").await;
                connection.close().await.unwrap();
            })
        };
        let copies = tokio::join!(copy(), copy(), copy());
        for copy in [copies.0, copies.1, copies.2] {
            let mut connection = PgConnection::connect(copy.url()).await.unwrap();
            let id: i32 =
                sqlx::query_scalar("select id from mark").fetch_one(&mut connection).await.unwrap();
            assert_eq!(id, 7);
        }
        assert_eq!(FILLED.load(Ordering::Relaxed), 1);
        run(&mut admin().await, &format!("drop database greffe_template_{key}")).await;
    }

    #[tokio::test]
    async fn what_killed_tests_left_behind_is_swept_away() {
        let mut admin = admin().await;
        let forgotten = format!("greffe_test_1_{}_0_dead", std::process::id());
        run(&mut admin, &format!("create database {forgotten}")).await;
        sweep(admin_url().await).await;
        assert!(!exists(&mut admin, &forgotten).await);
    }
}
