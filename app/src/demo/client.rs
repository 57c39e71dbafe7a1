//! The demonstration's front end: GraphQL over HTTP.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::console;

/// How long what is in the journal may take to be seen.
const PATIENCE: Duration = Duration::from_mins(1);

/// Sends queries.
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// What the table at the end tells of a job.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobTold {
    pub(super) kind: String,
    /// What a task was told.
    #[serde(default)]
    pub(super) body: Value,
    /// Where a crawl started.
    #[serde(default)]
    pub(super) seeds: Vec<String>,
    pub(super) state: String,
    pub(super) errors: u64,
    #[serde(rename = "version")]
    pub(super) events: u64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) ended_at: Option<DateTime<Utc>>,
}

impl Client {
    pub(super) fn new(address: SocketAddr, token: String) -> Self {
        Self { http: reqwest::Client::new(), base: format!("http://{address}"), token }
    }

    /// The jobs that an earlier demonstration left unfinished, also those that the tables do not
    /// show yet.
    pub(super) async fn unfinished_jobs(&self) -> anyhow::Result<Vec<String>> {
        let head: String = self.ask("{ journal { head } }", json!({}), "/journal/head").await?;
        let query = "query($atLeast: Position) { jobs(atLeast: $atLeast, \
                     filter: {states: [SCHEDULED, QUEUED, RUNNING, RETRYING]}, \
                     first: 100, orderBy: OLDEST) { nodes { id } } }";
        let nodes: Vec<Value> = self.ask(query, json!({ "atLeast": head }), "/jobs/nodes").await?;
        let id = |it: &Value| it["id"].as_str().map(str::to_owned).context("a job without an id");
        nodes.iter().map(id).collect()
    }

    /// Asks for the SHA-256 of every file of a folder; gives the job's id.
    pub(super) async fn create_checksum_task(
        &self,
        folder: &Path,
        exclude: &[String],
    ) -> anyhow::Result<String> {
        let folder = folder.to_str().context("--folder is no text")?;
        let body = json!({ "folder": folder, "exclude": exclude });
        let input = json!({ "service": "checksum", "body": body });
        self.create("createTask", "CreateTaskInput", "task", input).await
    }

    /// Has a job created; gives its id. While the job is not to be seen yet,
    /// it is asked for again under the same key: after a crash, the tables wait
    /// some seconds for the process that is no more.
    pub(super) async fn create(
        &self,
        mutation: &str,
        kind: &str,
        job: &str,
        mut input: Value,
    ) -> anyhow::Result<String> {
        let query = format!(
            "mutation($input: {kind}!) {{ {mutation}(input: $input) {{ \
             {job} {{ id }} userErrors {{ code message path }} }} }}"
        );
        input["idempotencyKey"] = crate::system::id().to_string().into();
        let variables = json!({ "input": input });
        let pointer = format!("/{mutation}");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let payload: Value = self.ask(&query, variables.clone(), &pointer).await?;
            if let Some(id) = payload[job]["id"].as_str() {
                return Ok(id.to_owned());
            }
            let is_refused = payload["userErrors"] != json!([]);
            if is_refused || deadline < Instant::now() {
                bail!("no {job} was created: {payload}");
            }
        }
    }

    /// A job, as it was at a position or later.
    pub(super) async fn job(&self, id: &str, at_least: u64) -> anyhow::Result<JobTold> {
        let query = "query($id: ID!, $atLeast: Position) { job(id: $id, atLeast: $atLeast) { \
                     kind state errors version createdAt endedAt \
                     ... on Task { body } ... on Crawl { seeds } } }";
        self.ask(query, json!({ "id": id, "atLeast": at_least.to_string() }), "/job").await
    }

    /// Sends a file; gives its SHA-256.
    pub(super) async fn upload(&self, name: &str, bytes: &'static [u8]) -> anyhow::Result<String> {
        let url = format!("{}/api/files?name={name}", self.base);
        let request = self.http.post(url).bearer_auth(&self.token);
        let request = request.header("content-type", "application/octet-stream").body(bytes);
        let answer = request.send().await?;
        let status = answer.status();
        let told: Value = answer.json().await?;
        let sha256 = told["sha256"].as_str().filter(|_| status.is_success());
        sha256.map(str::to_owned).with_context(|| format!("{name} is not taken: {told}"))
    }

    /// What is in a file.
    pub(super) async fn download(&self, sha256: &str) -> anyhow::Result<Vec<u8>> {
        let url = format!("{}/api/artifacts/{sha256}", self.base);
        let answer = self.http.get(url).bearer_auth(&self.token).send().await?;
        let answer = answer.error_for_status().context("a file cannot be read")?;
        Ok(answer.bytes().await?.to_vec())
    }

    /// Asks; again, if the tables have not come as far yet as they are to be.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        query: &str,
        variables: Value,
        pointer: &str,
    ) -> anyhow::Result<T> {
        let body = json!({ "query": query, "variables": variables });
        let deadline = Instant::now() + PATIENCE;
        let mut is_told = false;
        let mut answer: Value = loop {
            let request = self.http.post(format!("{}/graphql", self.base));
            let request = request.bearer_auth(&self.token).json(&body);
            let answer: Value = request.send().await?.json().await?;
            let Some(errors) = answer.get("errors") else { break answer };
            let is_late = errors[0]["extensions"]["code"] == "POSITION_NOT_REACHED";
            if !is_late || deadline < Instant::now() {
                bail!("the API refuses: {errors}");
            }
            if !is_told {
                console::say("the tables are behind the journal: waiting for them");
                is_told = true;
            }
        };
        let part = answer["data"].pointer_mut(pointer).map(Value::take);
        let part = part.with_context(|| format!("the answer lacks {pointer}"))?;
        serde_json::from_value(part).with_context(|| format!("the answer's {pointer} is odd"))
    }
}
