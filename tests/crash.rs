//! Greffe and its workers are killed with `kill -9`, and every job ends as it
//! should.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, ensure};
use app::system::secret;
use journal::postgres::{PostgresJournal, Settings};
use postgres::testing::Database;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::world::{Caller, eventually, program};

/// Greffe and its worker as processes of their own.
struct Processes {
    database: Database,
    folder: tempfile::TempDir,
    email: String,
    password: String,
    worker_token: String,
}

/// A Greffe that runs, and dies with this.
struct Greffe {
    child: Child,
    base: String,
    _said: Lines<BufReader<ChildStdout>>,
}

impl Processes {
    async fn new() -> anyhow::Result<Self> {
        let database = Database::create().await;
        let folder = tempfile::tempdir()?;
        let services = "services:\n  - { name: checksum, lease_s: 1.5, backoff_first_s: 0.1 }\n";
        std::fs::write(folder.path().join("services.yaml"), services)?;
        let migrated = Command::new(program()?)
            .args(["migrate", "--log", "off", "--database-url", database.url()])
            .output()
            .await?;
        ensure!(migrated.status.success(), "{migrated:?}");
        let (email, password) = ("ann@example.org".to_owned(), secret());
        let made = Command::new(program()?)
            .args(["user", "--log", "off", "--database-url", database.url(), "create", &email])
            .env("GREFFE_USER_PASSWORD", &password)
            .output()
            .await?;
        ensure!(made.status.success(), "{made:?}");
        let made = Command::new(program()?)
            .args(["token", "--log", "off", "--database-url", database.url()])
            .args(["create", "crash", "--service", "checksum"])
            .output()
            .await?;
        let said = String::from_utf8(made.stdout)?;
        let (_, token) = said.trim().split_once("shown once: ").context("no token was shown")?;
        let worker_token = token.to_owned();
        Ok(Self { database, folder, email, password, worker_token })
    }

    async fn greffe(&self, listen: &str) -> anyhow::Result<Greffe> {
        let mut child = Command::new(program()?)
            .args(["serve", "--log", "warn", "--listen", listen, "--rescue-grace-s", "0"])
            .args(["--database-url", self.database.url(), "--admin-password", &secret()])
            .current_dir(self.folder.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut said = BufReader::new(child.stdout.take().context("its output")?).lines();
        loop {
            let line = said.next_line().await?.context("greffe ended at its start")?;
            if let Some((_, base)) = line.split_once("greffe serves on ") {
                return Ok(Greffe { child, base: base.to_owned(), _said: said });
            }
        }
    }

    fn worker(&self, base: &str) -> anyhow::Result<Child> {
        let example = clients().join("examples/checksum_worker.py");
        Ok(Command::new("python3")
            .arg(example)
            .env("GREFFE_URL", base)
            .env("GREFFE_TOKEN", &self.worker_token)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?)
    }

    async fn member(&self, base: &str) -> anyhow::Result<Caller> {
        let nobody = Caller::new(base, "");
        let mutation = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken } }";
        let input = json!({ "input": { "email": self.email, "password": self.password } });
        let data = nobody.ask(mutation, input).await?;
        let token = data["signIn"]["accessToken"].as_str().context("a token")?;
        Ok(Caller::new(base, token))
    }

    /// Reads the whole journal, and checks what must hold whatever happened.
    async fn check_the_journal(&self) -> anyhow::Result<()> {
        let journal =
            PostgresJournal::connect(self.database.url(), Settings::default(), vec![]).await?;
        crate::invariants::check(&journal).await?;
        journal.close().await;
        Ok(())
    }
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/python")
}

/// Enough files to be killed in the middle of.
fn files(folder: &Path) -> anyhow::Result<()> {
    let bytes = vec![7; 4 * 1024 * 1024];
    (0..40).try_for_each(|it| Ok(std::fs::write(folder.join(format!("{it}.bin")), &bytes)?))
}

async fn progressed(caller: &Caller, job: &str) -> anyhow::Result<()> {
    let query = "query($id: ID!) { job(id: $id) { state progress { done } } }";
    eventually(format!("{job} to progress"), async || {
        let Ok(data) = caller.ask(query, json!({ "id": job })).await else { return Ok(false) };
        Ok(0 < data["job"]["progress"]["done"].as_u64().unwrap_or_default()
            || data["job"]["state"] == "SUCCEEDED")
    })
    .await
}

#[tokio::test]
async fn a_worker_that_is_killed_is_replaced_and_the_job_succeeds() -> anyhow::Result<()> {
    let processes = Processes::new().await?;
    let greffe = processes.greffe("127.0.0.1:0").await?;
    let caller = processes.member(&greffe.base).await?;
    let input = tempfile::tempdir()?;
    files(input.path())?;
    let job = caller.create_task("checksum", json!({ "folder": input.path() })).await?;

    let mut first = processes.worker(&greffe.base)?;
    progressed(&caller, &job).await?;
    first.kill().await?;
    let _second = processes.worker(&greffe.base)?;

    caller.until(&job, "SUCCEEDED").await?;
    processes.check_the_journal().await
}

#[tokio::test]
async fn greffe_is_killed_again_and_again_and_every_job_succeeds() -> anyhow::Result<()> {
    let processes = Processes::new().await?;
    let mut greffe = processes.greffe("127.0.0.1:0").await?;
    let listen = greffe.base.trim_start_matches("http://").to_owned();
    let caller = processes.member(&greffe.base).await?;
    let input = tempfile::tempdir()?;
    files(input.path())?;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(caller.create_task("checksum", json!({ "folder": input.path() })).await?);
    }
    let _worker = processes.worker(&greffe.base)?;

    for job in &jobs {
        progressed(&caller, job).await?;
        greffe.child.kill().await?;
        greffe = processes.greffe(&listen).await?;
    }

    for job in &jobs {
        caller.until(job, "SUCCEEDED").await?;
    }
    processes.check_the_journal().await
}
