//! The demonstration: tasks on real files, done by an outside worker; a crawl
//! of a small site; a report from files. All are watched to their end over the
//! same doors that anybody else would use.

mod account;
mod client;
mod crawl;
mod report;
mod site;
mod watch;
mod worker;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use identity::Identity;

use crate::{
    config::{Demo, Serve},
    console, roles, services_file,
    system::System,
};
use account::{Account, EMAIL};
use client::{Client, JobTold};
use worker::Worker;

/// Folders that hold no input of anybody's.
const LEFT_OUT: [&str; 4] = ["target", "node_modules", "dist", "greffe-data"];

/// What the demonstration's worker is asked for.
const SERVICES: &str = include_str!("demo/services.yaml");

/// Shows what Greffe does, and goes on serving unless told to stop then.
pub async fn run(config: Demo) -> anyhow::Result<()> {
    let folder = config.folder.canonicalize();
    let folder =
        folder.with_context(|| format!("cannot use --folder {}", config.folder.display()))?;
    let services = match &config.serve.services {
        Some(named) => services_file::read(Some(named))?,
        None => services_file::parse(SERVICES).context("the demonstration's own services")?,
    };
    let mut serve = Serve { development: true, ..config.serve };
    serve.built_in.crawl_allow.push(crawl::SITE_HOST.to_string());
    let listener = roles::listen(&serve).await?;
    let stop = roles::stop_signal()?;
    let mut system = System::start(&serve, listener, services).await?;
    let own = serve.database.data_dir.join("demo");
    let site = match crawl::serve_site(&own).await {
        Ok(site) => site,
        Err(error) => {
            let stopped = system.stop().await;
            return stopped.and(Err(error));
        }
    };
    console::say(format_args!("greffe serves on http://{}", system.address()));

    let demonstration = Demonstration {
        identity: system.identity.clone(),
        address: system.address(),
        folder,
        site: site.address(),
        data_dir: serve.database.data_dir,
        own,
    };
    let shown = tokio::select! {
        shown = demonstration.show() => shown,
        error = system.failed() => Err(error),
        () = stop.cancelled() => Err(anyhow!("stopped before it was over")),
    };
    let (worker, end) = match shown {
        Ok(Shown { worker, all_succeeded: true }) => (Some(worker), Ok(())),
        Ok(Shown { worker, all_succeeded: false }) => {
            (Some(worker), Err(anyhow!("not every job of the demonstration succeeded")))
        }
        Err(error) => (None, Err(error)),
    };
    let served = if config.exit || worker.is_none() {
        Ok(())
    } else {
        console::say("greffe goes on serving; stop it with Ctrl-C");
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            error = system.failed() => Err(error),
        }
    };
    if let Some(worker) = worker {
        worker.stop().await;
    }
    system.stop().await.and(served).and(end)
}

/// What has been shown.
struct Shown {
    /// Still there, for whoever wants to go on.
    worker: Worker,
    all_succeeded: bool,
}

/// What is shown on what.
struct Demonstration {
    identity: Identity,
    /// Where Greffe serves.
    address: SocketAddr,
    /// Whose files are hashed.
    folder: PathBuf,
    /// Where the site is served that is crawled.
    site: SocketAddr,
    /// Where Greffe keeps its data: no input of anybody's.
    data_dir: PathBuf,
    /// Where it keeps what is its own.
    own: PathBuf,
}

impl Demonstration {
    async fn show(&self) -> anyhow::Result<Shown> {
        let account = Account::open(&self.identity).await?;
        let client = Client::new(self.address, account.access_token().await?);
        let mut jobs = client.unfinished_jobs().await?;
        if !jobs.is_empty() {
            console::say(format_args!("{} jobs were left unfinished: going on", jobs.len()));
        }
        let Wanted { folders, exclude } = wanted(&self.folder, &self.data_dir)?;
        for folder in folders {
            jobs.push(client.create_checksum_task(&folder, &exclude).await?);
        }
        jobs.push(crawl::start(&client, self.site).await?);
        jobs.push(report::request(&client).await?);
        console::say(format_args!(
            "{} jobs: the SHA-256 of files in {}, a crawl of http://{}, a report",
            jobs.len(),
            self.folder.display(),
            self.site,
        ));

        let worker = Worker::start(self.address, &account.worker_token().await?)?;
        let end = watch::to_the_end(self.address, &account, &jobs).await?;
        let client = Client::new(self.address, account.access_token().await?);
        let all_succeeded = self.tell(&client, &jobs, end).await?;
        where_to_look(self.address, &account);
        Ok(Shown { worker, all_succeeded })
    }

    /// What came of the jobs, and a table of them at the end. Says whether
    /// every job succeeded.
    async fn tell(&self, client: &Client, jobs: &[String], end: u64) -> anyhow::Result<bool> {
        let mut rows = Vec::new();
        let mut all_succeeded = true;
        for id in jobs {
            let job = client.job(id, end).await?;
            match (job.kind.as_str(), job.state.as_str()) {
                ("CRAWL", "SUCCEEDED") => crawl::tell(client, id, end).await?,
                ("REPORT", "SUCCEEDED") => report::tell(client, id, end, &self.own).await?,
                _ => {}
            }
            all_succeeded &= job.state == "SUCCEEDED";
            rows.push(row(id, job));
        }
        console::say("");
        console::table(["job", "kind", "of", "state", "events", "duration"], &rows);
        Ok(all_succeeded)
    }
}

fn row(id: &str, job: JobTold) -> [String; 6] {
    let seconds = (job.ended_at.unwrap_or(job.created_at) - job.created_at).as_seconds_f64();
    let state = if job.errors == 0 { job.state } else { format!("{} with errors", job.state) };
    let folder = job.body["folder"].as_str().map(Path::new).and_then(Path::file_name);
    let folder = folder.map(|it| it.to_string_lossy().into_owned());
    let of = folder.or_else(|| job.seeds.first().cloned()).unwrap_or_default();
    [id.to_owned(), job.kind, of, state, job.events.to_string(), format!("{seconds:.2} s")]
}

/// Whose files are hashed.
struct Wanted {
    /// A task for each.
    folders: Vec<PathBuf>,
    /// What the folders in them are called that are left out.
    exclude: Vec<String>,
}

/// The folders in a folder; or itself, if there are none. What is built or
/// installed is left out, and so is what Greffe writes meanwhile.
fn wanted(folder: &Path, data_dir: &Path) -> anyhow::Result<Wanted> {
    let data_dir = data_dir.canonicalize().ok();
    let mut exclude: Vec<String> = LEFT_OUT.map(str::to_owned).to_vec();
    let (mut folders, mut data) = (Vec::new(), None);
    for entry in folder.read_dir().context("cannot look into --folder")? {
        let entry = entry.context("cannot look into --folder")?;
        let name = entry.file_name();
        let left_out =
            name.as_encoded_bytes().starts_with(b".") || LEFT_OUT.iter().any(|it| name == *it);
        let real = entry.path().canonicalize().ok();
        let written = real.is_some_and(|it| data_dir.as_ref().is_some_and(|d| d.starts_with(it)));
        if written {
            data = Some(name);
        } else if entry.path().is_dir() && !left_out {
            folders.push(entry.path());
        }
    }
    folders.sort();
    if folders.is_empty() {
        folders.push(folder.to_owned());
        if let Some(name) = data {
            let name = name.to_str().context("where the data is in --folder is no text")?;
            exclude.push(name.to_owned());
        }
    }
    Ok(Wanted { folders, exclude })
}

fn where_to_look(address: SocketAddr, account: &Account) {
    console::say("");
    let rows = [
        ["explore", "/graphiql"],
        ["health", "/health"],
        ["readiness", "/ready"],
        ["metrics", "/metrics"],
    ];
    let rows = rows.map(|[what, path]| [what.to_owned(), format!("http://{address}{path}")]);
    console::table(["to look at", "where"], &rows);
    console::say(format_args!(
        "sign in as {EMAIL} with the password {} (of this demonstration only)",
        account.password()
    ));
}

#[cfg(test)]
mod tests;
