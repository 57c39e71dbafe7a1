//! The database server that Greffe brings along is killed, and comes back.

use std::{
    collections::BTreeSet,
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use app::system::secret;
use domain::job::{JobState, Present};
use futures::future::try_join_all;
use journal::postgres::{PostgresJournal, Settings};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::{io::AsyncReadExt, process::Command, sync::watch};

use super::processes::{Greffe, SERVICES, jobs, member, people, worker};
use crate::{
    worker::Token,
    world::{Caller, eventually, program},
};

/// Who creates jobs at the same time, and how many each.
const CALLERS: usize = 8;
const JOBS_OF_EACH: usize = 15;

/// How Greffe's own server is met with.
struct Place {
    folder: TempDir,
    data: PathBuf,
}

impl Place {
    fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        // The database server may have to run as somebody else.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
        std::fs::write(folder.path().join("services.yaml"), SERVICES)?;
        let data = folder.path().join("data");
        Ok(Self { folder, data })
    }

    /// Starts Greffe, which lets leases be for so many seconds after the
    /// database was away.
    async fn greffe(&self, grace: &str) -> anyhow::Result<Greffe> {
        let mut command = Command::new(program()?);
        command
            .args(["serve", "--log", "off", "--listen", "127.0.0.1:0", "--rescue-grace-s", grace])
            .args(["--data-dir", self.data()?, "--admin-password", &secret()])
            .current_dir(self.folder.path())
            .stderr(Stdio::piped());
        Greffe::started(command).await
    }

    fn data(&self) -> anyhow::Result<&str> {
        self.data.to_str().context("the path of a folder")
    }

    /// The process of the server, and where it answers.
    fn server(&self) -> anyhow::Result<(String, String)> {
        let file = std::fs::read_to_string(self.data.join("cluster/postmaster.pid"))?;
        let lines: Vec<&str> = file.lines().collect();
        let [pid, _, _, port, ..] = lines[..] else { anyhow::bail!("{file:?} is no pid file") };
        let password = std::fs::read_to_string(self.data.join("password"))?;
        let url = format!("postgres://greffe:{}@127.0.0.1:{port}/greffe", password.trim());
        Ok((pid.trim().to_owned(), url))
    }

    /// Kills one of the processes that answer, in the middle of what it does.
    async fn kill_one_that_answers(&self) -> anyhow::Result<()> {
        let (_, url) = self.server()?;
        let mut connection = PgConnection::connect(&url).await?;
        let pid: i32 = sqlx::query_scalar(
            "select pid from pg_stat_activity
             where backend_type = 'client backend' and pid <> pg_backend_pid()
             order by query_start desc nulls last limit 1",
        )
        .fetch_one(&mut connection)
        .await?;
        kill(&[pid.to_string()]).await
    }

    /// Kills the server itself: the others leave when they notice.
    async fn kill_the_first(&self) -> anyhow::Result<()> {
        kill(&[self.server()?.0]).await
    }

    /// Kills the server and all that answer for it, at once.
    async fn kill_all(&self) -> anyhow::Result<()> {
        let (first, _) = self.server()?;
        let mut all = children(&first)?;
        all.insert(0, first);
        kill(&all).await
    }

    /// The server and all that answer for it neither do anything nor end, until
    /// what is given is told to go on.
    async fn freeze(&self) -> anyhow::Result<Frozen> {
        let (first, _) = self.server()?;
        // The first one alone, or it has new ones answer meanwhile.
        let mut frozen = Frozen(vec![first.clone()]);
        frozen.reached().await?;
        frozen.0.extend(children(&first)?);
        frozen.reached().await?;
        Ok(frozen)
    }
}

struct Frozen(Vec<String>);

impl Frozen {
    async fn reached(&self) -> anyhow::Result<()> {
        signal("STOP", &self.0).await?;
        eventually("the server to stand still".to_owned(), async || {
            for pid in &self.0 {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
                let (_, state) = stat.rsplit_once(") ").context("the state of a process")?;
                // Stopped, or ended and not looked at yet.
                if !state.starts_with(['T', 'Z']) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await
    }

    async fn goes_on(self) -> anyhow::Result<()> {
        signal("CONT", &self.0).await
    }
}

fn children(pid: &str) -> anyhow::Result<Vec<String>> {
    let listed = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    Ok(listed.split_whitespace().map(str::to_owned).collect())
}

async fn kill(pids: &[String]) -> anyhow::Result<()> {
    signal("KILL", pids).await
}

async fn signal(name: &str, pids: &[String]) -> anyhow::Result<()> {
    let status = Command::new("sh")
        .args(["-c", "kill -s \"$@\"", "kill", name])
        .args(pids)
        .stderr(Stdio::null())
        .status()
        .await?;
    // Some of them may have gone by themselves.
    ensure!(status.success() || 1 < pids.len(), "{pids:?} could not be told {name}");
    Ok(())
}

/// Creates jobs, each of them again and again under one key until it is
/// accepted. Gives the ids.
async fn create(
    caller: Caller,
    folder: Arc<Path>,
    accepted: watch::Sender<usize>,
) -> anyhow::Result<BTreeSet<String>> {
    let mutation = "mutation($input: CreateTaskInput!) { createTask(input: $input) { \
                    task { id } userErrors { code message } } }";
    let mut ids = BTreeSet::new();
    for _ in 0..JOBS_OF_EACH {
        let input = json!({ "service": "checksum", "body": { "folder": &*folder },
            "idempotencyKey": secret() });
        let mut id = None;
        eventually("a task to be accepted".to_owned(), async || {
            let Ok(answer) = caller.answer(mutation, json!({ "input": input })).await else {
                return Ok(false);
            };
            let payload = &answer["data"]["createTask"];
            let refused = payload["userErrors"].as_array().is_some_and(|it| !it.is_empty());
            ensure!(!refused, "{answer}");
            id = payload["task"]["id"].as_str().map(str::to_owned);
            Ok(id.is_some())
        })
        .await?;
        ids.extend(id);
        accepted.send_modify(|it| *it += 1);
    }
    Ok(ids)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_is_killed_in_the_middle_of_appends_and_nothing_accepted_is_lost()
-> anyhow::Result<()> {
    let place = Place::new()?;
    let greffe = place.greffe("0").await?;
    let (password, token) = people(&["--log", "off", "--data-dir", place.data()?]).await?;
    let caller = member(&greffe.base, &password).await?;
    let folder = place.folder.path().join("input");
    std::fs::create_dir(&folder)?;
    std::fs::write(folder.join("light"), "a light")?;
    let _worker = worker(&greffe.base, &token)?;

    let accepted = watch::Sender::new(0);
    let mut seen = accepted.subscribe();
    let folder: Arc<Path> = folder.into();
    let creating = (0..CALLERS)
        .map(|_| create(caller.clone(), Arc::clone(&folder), accepted.clone()))
        .collect::<Vec<_>>();
    // Those who create have the rest: when they give up, so does who waits for them.
    drop(accepted);
    let all = CALLERS * JOBS_OF_EACH;
    let killing = async {
        seen.wait_for(|it| all / 8 <= *it).await?;
        place.kill_one_that_answers().await?;
        seen.wait_for(|it| all * 3 / 8 <= *it).await?;
        place.kill_the_first().await?;
        seen.wait_for(|it| all * 5 / 8 <= *it).await?;
        place.kill_all().await
    };
    let (created, ()) = tokio::try_join!(try_join_all(creating), killing)?;
    let ids: BTreeSet<String> = created.into_iter().flatten().collect();
    ensure!(ids.len() == all, "{} of {all} jobs", ids.len());

    let (_, url) = place.server()?;
    let journal = PostgresJournal::connect(&url, Settings::default(), vec![]).await?;
    eventually("every job to succeed".to_owned(), async || {
        let jobs = jobs(&journal).await?;
        let succeeded = |id: &String| {
            let told = id.parse().ok().and_then(|it| jobs.get(&it));
            told.and_then(|it| it.job.present()).map(Present::state) == Some(JobState::Succeeded)
        };
        ensure!(jobs.len() == all, "{} jobs of {all}", jobs.len());
        Ok(ids.iter().all(succeeded))
    })
    .await?;
    crate::invariants::check(&journal).await?;
    journal.close().await;
    greffe.stop().await
}

/// Waits until so long has passed since `then`.
async fn until(then: Instant, passed: Duration) -> anyhow::Result<()> {
    eventually(format!("{passed:?} to pass"), async || Ok(passed <= then.elapsed())).await
}

/// Must never: all leases are lost since nobody could beat for a while.
#[tokio::test]
async fn leases_outlive_a_database_that_is_away_for_longer_than_they_hold() -> anyhow::Result<()> {
    let place = Place::new()?;
    // Longer than what is between the last beat and the end of all answers.
    let services = "services:\n  - { name: checksum, lease_s: 6 }\n";
    std::fs::write(place.folder.path().join("services.yaml"), services)?;
    let greffe = place.greffe("10").await?;
    let begun = Instant::now();
    let (password, token) = people(&["--log", "off", "--data-dir", place.data()?]).await?;
    let caller = member(&greffe.base, &password).await?;
    let job = caller.create_task("checksum", json!({ "folder": "." })).await?;
    let worker = Token::given(&greffe.base, &token).register(&["checksum"]).await?;
    let lease = worker.take().await?;

    // It beats until leases are not let be any more because of the start.
    eventually("the first grace to be over".to_owned(), async || {
        let beat = worker.beat(&lease, json!({})).await?;
        ensure!(beat["status"] == "ok", "{beat}");
        Ok(Duration::from_secs(11) < begun.elapsed())
    })
    .await?;
    let frozen = place.freeze().await?;
    until(Instant::now(), Duration::from_secs(9)).await?;
    frozen.goes_on().await?;
    // Those who end leases are faster than the worker.
    until(Instant::now(), Duration::from_secs(2)).await?;

    let beat = worker.beat(&lease, json!({})).await?;
    ensure!(beat["status"] == "ok", "{beat}");
    let (status, answer) = worker.settle(&lease, json!({ "outcome": "succeeded" })).await?;
    ensure!(status == 200, "{status} {answer}");
    caller.until(&job, "SUCCEEDED").await?;
    greffe.stop().await
}

#[tokio::test]
async fn a_database_that_does_not_come_back_ends_greffe_and_it_says_why_in_one_line()
-> anyhow::Result<()> {
    let place = Place::new()?;
    let mut greffe = place.greffe("0").await?;
    // Without it, nothing can be recovered.
    let control = place.data.join("cluster/global/pg_control");
    std::fs::rename(&control, control.with_extension("away"))?;
    place.kill_all().await?;

    let mut said = String::new();
    let mut stderr = greffe.child.stderr.take().context("its errors")?;
    stderr.read_to_string(&mut said).await?;
    ensure!(!greffe.child.wait().await?.success(), "it ended well");
    ensure!(said.trim_end().lines().count() == 1, "more than one line:\n{said}");
    ensure!(said.contains("the database server has ended, and does not start again"), "{said}");
    ensure!(said.contains("pg_control"), "the reason is not in: {said}");
    Ok(())
}
