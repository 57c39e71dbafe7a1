//! The demonstration's front end: GraphQL over HTTP.

use std::{net::SocketAddr, path::Path};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Sends queries.
pub(super) struct Client {
    http: reqwest::Client,
    endpoint: String,
    token: String,
}

/// What the table at the end tells of a job.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobTold {
    /// What the task was told.
    #[serde(default)]
    pub(super) body: Value,
    pub(super) state: String,
    pub(super) errors: u64,
    #[serde(rename = "version")]
    pub(super) events: u64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) ended_at: Option<DateTime<Utc>>,
}

impl Client {
    pub(super) fn new(address: SocketAddr, token: String) -> Self {
        let endpoint = format!("http://{address}/graphql");
        Self { http: reqwest::Client::new(), endpoint, token }
    }

    /// The jobs that an earlier demonstration left unfinished.
    pub(super) async fn unfinished_jobs(&self) -> anyhow::Result<Vec<String>> {
        let query = "{ jobs(filter: {states: [SCHEDULED, QUEUED, RUNNING, RETRYING]}, \
                     first: 100, orderBy: OLDEST) { nodes { id } } }";
        let nodes: Vec<Value> = self.ask(query, json!({}), "/jobs/nodes").await?;
        let id = |it: &Value| it["id"].as_str().map(str::to_owned).context("a job without an id");
        nodes.iter().map(id).collect()
    }

    /// Asks for the SHA-256 of every file of a folder; gives the job's id.
    pub(super) async fn create_checksum_task(&self, folder: &Path) -> anyhow::Result<String> {
        let mutation = "mutation($input: CreateTaskInput!) { createTask(input: $input) { \
                        task { id } position userErrors { code message path } } }";
        let body = json!({
            "folder": folder.to_str().context("--folder is no text")?,
            "exclude": super::LEFT_OUT,
        });
        let variables = json!({ "input": { "service": "checksum", "body": body } });
        let payload: Value = self.ask(mutation, variables, "/createTask").await?;
        let id = payload.pointer("/task/id").and_then(Value::as_str);
        id.map(str::to_owned).with_context(|| format!("no task was created: {payload}"))
    }

    /// A job, as it was at a position or later.
    pub(super) async fn job(&self, id: &str, at_least: u64) -> anyhow::Result<JobTold> {
        let query = "query($id: ID!, $atLeast: Position) { job(id: $id, atLeast: $atLeast) { \
                     state errors version createdAt endedAt ... on Task { body } } }";
        self.ask(query, json!({ "id": id, "atLeast": at_least.to_string() }), "/job").await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        query: &str,
        variables: Value,
        pointer: &str,
    ) -> anyhow::Result<T> {
        let request = self.http.post(&self.endpoint).bearer_auth(&self.token);
        let request = request.json(&json!({ "query": query, "variables": variables }));
        let mut answer: Value = request.send().await?.json().await?;
        if let Some(errors) = answer.get("errors") {
            bail!("the API refuses: {errors}");
        }
        let part = answer["data"].pointer_mut(pointer).map(Value::take);
        let part = part.with_context(|| format!("the answer lacks {pointer}"))?;
        serde_json::from_value(part).with_context(|| format!("the answer's {pointer} is odd"))
    }
}
