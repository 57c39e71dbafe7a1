//! Greffe and its workers, as processes of their own that may be killed.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use anyhow::{Context, ensure};
use app::system::secret;
use domain::{
    Decider, JobId,
    decode::Event,
    job::{CrawlEvent, Job, JobEvent},
};
use futures::TryStreamExt;
use journal::{
    Journal, StreamId,
    postgres::{PostgresJournal, Settings},
};
use postgres::testing::Database;
use projections::{Fact, Subject};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::{
    invariants::tables,
    world::{Caller, program},
};

/// Who creates the jobs.
const EMAIL: &str = "ann@example.org";

/// What they are, as far as anybody else does them.
pub(super) const SERVICES: &str =
    "services:\n  - { name: checksum, lease_s: 4, backoff_first_s: 0.1 }\n";

/// What it takes to start Greffe again and again on the same data.
pub(super) struct Processes {
    database: Database,
    folder: TempDir,
    password: String,
    worker_token: String,
}

/// A Greffe that runs, and dies with this.
pub(super) struct Greffe {
    pub(super) child: Child,
    pub(super) base: String,
    said: Lines<BufReader<ChildStdout>>,
}

impl Processes {
    pub(super) async fn new() -> anyhow::Result<Self> {
        let database = Database::create().await;
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("services.yaml"), SERVICES)?;
        let at = ["--log", "off", "--database-url", database.url()];
        let migrated = Command::new(program()?).arg("migrate").args(at).output().await?;
        ensure!(migrated.status.success(), "{migrated:?}");
        let (password, worker_token) = people(&at).await?;
        Ok(Self { database, folder, password, worker_token })
    }

    /// Starts it, or starts it again.
    pub(super) async fn greffe(&self, listen: &str, more: &[&str]) -> anyhow::Result<Greffe> {
        let mut command = Command::new(program()?);
        command
            .args(["serve", "--log", "warn", "--listen", listen, "--rescue-grace-s", "0"])
            .args(["--database-url", self.database.url(), "--admin-password", &secret()])
            .args(more)
            .current_dir(self.folder.path());
        Greffe::started(command).await
    }

    pub(super) fn worker(&self, base: &str) -> anyhow::Result<Child> {
        worker(base, &self.worker_token)
    }

    pub(super) async fn member(&self, base: &str) -> anyhow::Result<Caller> {
        member(base, &self.password).await
    }

    /// Where files are kept.
    pub(super) fn artifacts(&self) -> PathBuf {
        self.folder.path().join("greffe-data/artifacts")
    }

    pub(super) fn url(&self) -> &str {
        self.database.url()
    }

    /// All that has happened to a job.
    pub(super) async fn events(&self, job: &str) -> anyhow::Result<Vec<JobEvent>> {
        let journal = self.journal().await?;
        let recorded = journal.read_stream(&StreamId::new("job", job), 0, 10_000).await?;
        journal.close().await;
        let event = |recorded| {
            let fact = Fact::read(&Arc::new(recorded))?;
            let (_, event) = fact.of_job().context("an event of a job")?;
            Ok(event.clone())
        };
        recorded.into_iter().map(event).collect()
    }

    /// Reads the whole journal, and checks what must hold whatever happened.
    pub(super) async fn check_the_journal(&self) -> anyhow::Result<()> {
        let journal = self.journal().await?;
        crate::invariants::check(&journal).await?;
        journal.close().await;
        Ok(())
    }

    /// Stops Greffe, throws all tables away, and has it make them anew: they are
    /// what they were.
    pub(super) async fn check_the_tables(&self, greffe: Greffe) -> anyhow::Result<()> {
        let url = self.database.url();
        let live = tables::rows(url).await?;
        greffe.stop().await?;
        tables::drop_all(url).await?;
        let greffe = self.greffe("127.0.0.1:0", &[]).await?;
        let rebuilt = tables::rows(url).await?;
        ensure!(rebuilt == live, "live:\n{live:#?}\nrebuilt:\n{rebuilt:#?}");
        greffe.stop().await
    }

    async fn journal(&self) -> anyhow::Result<PostgresJournal> {
        Ok(PostgresJournal::connect(self.database.url(), Settings::default(), vec![]).await?)
    }
}

impl Greffe {
    /// Runs `command` until it says where it serves.
    pub(super) async fn started(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut said = BufReader::new(child.stdout.take().context("its output")?).lines();
        loop {
            let line = said.next_line().await?.context("greffe ended at its start")?;
            if let Some((_, base)) = line.split_once("greffe serves on ") {
                return Ok(Self { child, base: base.to_owned(), said });
            }
        }
    }

    /// Where it can be started again, so that others find it.
    pub(super) fn address(&self) -> String {
        self.base.trim_start_matches("http://").to_owned()
    }

    /// Tells it to stop, and waits until it has.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().context("it runs")?.to_string();
        let told = Command::new("sh").args(["-c", "kill -TERM $0", &pid]).status().await?;
        ensure!(told.success(), "it cannot be told");
        let ended = self.child.wait().await?;
        ensure!(ended.success(), "{ended:?}");
        Ok(())
    }

    /// Waits until it says so.
    pub(super) async fn until_it_says(&mut self, what: &str) -> anyhow::Result<()> {
        loop {
            let line = self.said.next_line().await?;
            let line = line.with_context(|| format!("it ended without saying: {what}"))?;
            if line.contains(what) {
                return Ok(());
            }
        }
    }

    /// What it says until it ends, and whether it ended well.
    pub(super) async fn ended(mut self) -> anyhow::Result<(String, bool)> {
        let mut all = String::new();
        while let Some(line) = self.said.next_line().await? {
            all.push_str(&line);
            all.push('\n');
        }
        Ok((all, self.child.wait().await?.success()))
    }
}

/// What a job was, after these events.
pub(super) fn job_after(events: &[JobEvent]) -> Job {
    let mut job = Job::default();
    for (event, version) in events.iter().zip(1..) {
        job.evolve(event, version);
    }
    job
}

/// A job, and how often something came of it while it was held.
#[derive(Default)]
pub(super) struct Told {
    pub(super) job: Job,
    pub(super) reports: usize,
}

/// Every job, as the journal has it.
pub(super) async fn jobs(journal: &dyn Journal) -> anyhow::Result<BTreeMap<JobId, Told>> {
    let mut jobs: BTreeMap<JobId, Told> = BTreeMap::new();
    let mut events = journal.replay(0);
    while let Some(recorded) = events.try_next().await? {
        let version = recorded.version;
        let fact = Fact::read(&Arc::new(recorded))?;
        if let (Subject::Job(id), Event::Job(event)) = (fact.subject, &fact.event) {
            let told = jobs.entry(id).or_default();
            told.job.evolve(event, version);
            told.reports += usize::from(matches!(
                event,
                JobEvent::ProgressReported(_) | JobEvent::Crawl(CrawlEvent::PagesVisited(_))
            ));
        }
    }
    Ok(jobs)
}

/// Somebody who creates jobs, and a worker's token: their secrets.
pub(super) async fn people(database: &[&str]) -> anyhow::Result<(String, String)> {
    let password = secret();
    let made = Command::new(program()?)
        .arg("user")
        .args(database)
        .args(["create", EMAIL])
        .env("GREFFE_USER_PASSWORD", &password)
        .output()
        .await?;
    ensure!(made.status.success(), "{made:?}");
    let made = Command::new(program()?)
        .arg("token")
        .args(database)
        .args(["create", "crash", "--service", "checksum"])
        .output()
        .await?;
    let said = String::from_utf8(made.stdout)?;
    let (_, token) = said.trim().split_once("shown once: ").context("no token was shown")?;
    Ok((password, token.to_owned()))
}

/// Signs that somebody in.
pub(super) async fn member(base: &str, password: &str) -> anyhow::Result<Caller> {
    let nobody = Caller::new(base, "");
    let mutation = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let input = json!({ "input": { "email": EMAIL, "password": password } });
    let data = nobody.ask(mutation, input).await?;
    let token = data["signIn"]["accessToken"].as_str().context("a token")?;
    Ok(Caller::new(base, token))
}

/// A worker in another language.
pub(super) fn worker(base: &str, token: &str) -> anyhow::Result<Child> {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/python");
    Ok(Command::new("python3")
        .arg(clients.join("examples/checksum_worker.py"))
        .env("GREFFE_URL", base)
        .env("GREFFE_TOKEN", token)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?)
}
