//! A whole system, on a port and a database of its own, and what is needed to
//! talk to it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use app::{
    config::{Cli, Role, Serve},
    services_file,
    system::{System, now, secret},
};
use artifacts::Artifacts;
use clap::Parser;
use identity::WorkerServices;
use journal::postgres::PostgresJournal;
use postgres::testing::Database;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, PgPool};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    time::{Instant, sleep},
};
use uuid::Uuid;

/// How long anything may take to become what it should.
const PATIENCE: Duration = Duration::from_mins(2);

/// How soon one looks again.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The services of the tests.
pub(crate) const SERVICES: &str = "
services:
  - name: checksum
    attempts_max: 2
    backoff_first_s: 0.05
    lease_s: 5
    schema:
      type: object
      required: [folder]
      properties: { folder: { type: string } }
  - name: anything
    lease_s: 60
";

/// A whole system.
pub(crate) struct World {
    pub(crate) system: System,
    pub(crate) base: String,
    database: Database,
    files: TempDir,
}

impl World {
    /// Starts one.
    pub(crate) async fn new() -> anyhow::Result<Self> {
        Self::on(Database::create().await, tempfile::tempdir()?).await
    }

    async fn on(database: Database, files: TempDir) -> anyhow::Result<Self> {
        let config = config(database.url(), files.path())?;
        let listener = TcpListener::bind(config.listen).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let services = services_file::parse(SERVICES)?;
        let system = System::start(&config, listener, services).await?;
        Ok(Self { system, base, database, files })
    }

    /// Stops it and starts it again on the same data.
    pub(crate) async fn restart(self) -> anyhow::Result<Self> {
        let Self { system, database, files, .. } = self;
        system.stop().await?;
        Self::on(database, files).await
    }

    /// Stops it, loses what the index of files holds and how far the keeper has come, and starts it
    /// again: as if only the journal had been restored.
    pub(crate) async fn without_its_index(self) -> anyhow::Result<Self> {
        let Self { system, database, files, .. } = self;
        system.stop().await?;
        let mut connection = PgConnection::connect(database.url()).await?;
        for statement in [
            "truncate artifact, artifact_reference",
            "delete from projection where name = 'keeper'",
        ] {
            sqlx::query(statement).execute(&mut connection).await?;
        }
        connection.close().await?;
        Self::on(database, files).await
    }

    /// Its database, for those who would break it.
    pub(crate) async fn database(&self) -> anyhow::Result<PgPool> {
        Ok(PgPool::connect(self.database.url()).await?)
    }

    /// Nobody has beaten for a lease in time.
    pub(crate) async fn run_out(&self, lease: &Value) -> anyhow::Result<()> {
        let late = "update lease_beat set expires_at = now() - interval '1 second'
                    where job = $1::uuid and fence = $2";
        let mut connection = PgConnection::connect(self.database.url()).await?;
        let late = sqlx::query(late).bind(lease["job_id"].as_str()).bind(lease["fence"].as_i64());
        let ended = late.execute(&mut connection).await?.rows_affected();
        connection.close().await?;
        ensure!(ended == 1, "nobody counts for {lease}");
        Ok(())
    }

    /// Where its database is.
    pub(crate) fn database_url(&self) -> &str {
        self.database.url()
    }

    /// Somebody who was there before it was started again.
    pub(crate) fn again(&self, who: &Caller) -> Caller {
        self.caller(&who.token)
    }

    /// Stops it, and counts the files that events name: each must be there.
    pub(crate) async fn end_with_its_files(self) -> anyhow::Result<usize> {
        let Self { system, database, files, .. } = self;
        system.stop().await?;
        let place = files.path().to_str().context("the path of a folder")?;
        let db = PgPool::connect(database.url()).await?;
        let artifacts = Artifacts::connect(db, place, artifacts::Settings::default()).await?;
        let settings = journal::postgres::Settings::default();
        let journal = PostgresJournal::connect(database.url(), settings, vec![]).await?;
        let found = crate::invariants::check_files(&journal, &artifacts).await?;
        journal.close().await;
        Ok(found)
    }

    /// Stops it.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        self.system.stop().await
    }

    /// Somebody who may create jobs.
    pub(crate) async fn member(&self, name: &str) -> anyhow::Result<Caller> {
        self.person(name, identity::Role::Member).await
    }

    /// Somebody with a role.
    pub(crate) async fn person(&self, name: &str, role: identity::Role) -> anyhow::Result<Caller> {
        let (email, password) = (format!("{name}@example.org"), secret());
        self.system.identity.create_user(&email, &password, role, now()).await?;
        let tokens = self.system.identity.sign_in(&email, &password, now()).await?;
        Ok(self.caller(tokens.access.expose()))
    }

    /// A worker's way in, for every service.
    pub(crate) async fn worker(&self) -> anyhow::Result<Caller> {
        let services = WorkerServices::All;
        let (_, token) =
            self.system.identity.create_worker_token("test", &services, None, now()).await?;
        Ok(self.caller(token.expose()))
    }

    fn caller(&self, token: &str) -> Caller {
        Caller::new(&self.base, token)
    }
}

/// Somebody who talks to the system.
#[derive(Clone)]
pub(crate) struct Caller {
    http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) token: String,
}

impl Caller {
    /// Somebody with a token.
    pub(crate) fn new(base: &str, token: &str) -> Self {
        app::tls::choose();
        Self { http: reqwest::Client::new(), base: base.to_owned(), token: token.to_owned() }
    }

    /// Sends a GraphQL operation, gives back its data.
    pub(crate) async fn ask(&self, query: &str, variables: Value) -> anyhow::Result<Value> {
        let mut answer = self.answer(query, variables).await?;
        ensure!(answer.get("errors").is_none(), "{query} was answered with {answer}");
        Ok(answer["data"].take())
    }

    /// Sends a GraphQL operation, gives back the whole answer.
    pub(crate) async fn answer(&self, query: &str, variables: Value) -> anyhow::Result<Value> {
        let mut request = self.http.post(format!("{}/graphql", self.base));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        let body = json!({ "query": query, "variables": variables });
        Ok(request.json(&body).send().await?.json().await?)
    }

    /// Calls a mutation that nothing speaks against; gives its payload, with what
    /// it is `asked` for first.
    pub(crate) async fn mutate(
        &self,
        name: &str,
        asked: &str,
        mut input: Value,
    ) -> anyhow::Result<Value> {
        let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
        let mutation = format!(
            "mutation($input: {kind}!) {{ {name}(input: $input) {{ \
             {asked} userErrors {{ code message path }} }} }}"
        );
        let first = asked.split([' ', '{']).next().unwrap_or_default();
        // What is made is not in the answer while the lists are far behind.
        let makes = ["createTask", "startCrawl", "requestReport"].contains(&name);
        if makes && input.get("idempotencyKey").is_none() {
            input["idempotencyKey"] = json!(Uuid::new_v4());
        }
        let mut payload = Value::Null;
        eventually(format!("{name} to be answered in full"), async || {
            let mut data = self.ask(&mutation, json!({ "input": input })).await?;
            payload = data[name].take();
            ensure!(payload["userErrors"] == json!([]), "{name} is refused: {payload}");
            Ok(!makes || !payload[first].is_null())
        })
        .await?;
        Ok(payload)
    }

    /// Sends a file; gives what is said of it.
    pub(crate) async fn upload(&self, name: &str, bytes: Vec<u8>) -> anyhow::Result<Value> {
        let url = format!("{}/api/files?name={name}", self.base);
        let request = reqwest::Client::new().post(url);
        let answer = request.bearer_auth(&self.token).body(bytes).send().await?;
        ensure!(answer.status() == 201, "{name} is answered with {}", answer.status());
        Ok(answer.json().await?)
    }

    /// Sends a request without a body.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
    ) -> anyhow::Result<reqwest::Response> {
        Ok(self.request(method, path).send().await?)
    }

    /// A request to change before it is sent.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    /// Creates a task, gives back its id.
    pub(crate) async fn create_task(&self, service: &str, body: Value) -> anyhow::Result<String> {
        let input = json!({ "service": service, "body": body });
        let created = self.mutate("createTask", "task { id }", input).await?;
        let id = created["task"]["id"].as_str();
        id.map(str::to_owned).with_context(|| format!("no task was created: {created}"))
    }

    /// Where a job stands.
    pub(crate) async fn state(&self, job: &str) -> anyhow::Result<Value> {
        let query = "query($id: ID!) { job(id: $id) { state } }";
        Ok(self.ask(query, json!({ "id": job })).await?["job"]["state"].take())
    }

    /// Waits until a job is in a state.
    pub(crate) async fn until(&self, job: &str, state: &str) -> anyhow::Result<()> {
        eventually(format!("{job} to be {state}"), async || {
            Ok(self.state(job).await.is_ok_and(|it| it == state))
        })
        .await
    }
}

/// Asks until the answer is yes: the read side is allowed to lag.
pub(crate) async fn eventually(
    what: String,
    mut yes: impl AsyncFnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !yes().await? {
        ensure!(Instant::now() < deadline, "waited in vain for {what}");
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// As an operator would configure it.
fn config(database_url: &str, files: &Path) -> anyhow::Result<Serve> {
    let files = files.to_str().context("the path of a folder")?;
    let arguments = [
        "greffe",
        "serve",
        "--database-url",
        database_url,
        "--listen",
        "127.0.0.1:0",
        "--admin-email",
        "admin@example.org",
        "--admin-password",
        "correct horse battery",
        "--artifacts",
        files,
        "--rescue-grace-s",
        "0",
        "--crawl-allow",
        "127.0.0.1",
        "--crawl-delay-s",
        "0",
        "--development",
    ];
    let Role::Serve(mut serve) = Cli::try_parse_from(arguments)?.role else {
        anyhow::bail!("{arguments:?} does not serve")
    };
    serve.built_in.reader = Some(program()?);
    Ok(serve)
}

/// The program itself, as it was built beside the tests.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    let tests = std::env::current_exe()?;
    let built = tests.ancestors().nth(2).context("where the tests are built")?;
    let program = built.join("greffe");
    ensure!(program.exists(), "{} is not built: cargo build -p app", program.display());
    Ok(program)
}
