//! A whole system of ours in this process, and somebody who may see everything
//! in it.

use anyhow::Context;
use app::{
    config::Serve,
    system::{System, now, secret},
};
use commands::Commands;
use domain::JobId;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    life,
    socket::{self, Watching},
};

const EMAIL: &str = "bench@example.org";

pub(crate) struct Whole {
    system: System,
    http: Client,
    /// Of the administrator.
    token: String,
}

impl Whole {
    /// As `greffe serve` on this database, with more arguments.
    pub(crate) async fn start(database_url: &str, arguments: &[&str]) -> anyhow::Result<Self> {
        let password = secret();
        let mut all = vec!["--database-url", database_url, "--listen", "127.0.0.1:0"];
        all.extend(["--admin-email", EMAIL, "--admin-password", &password]);
        all.extend(arguments);
        let config = Serve::with(&all)?;
        let listener = TcpListener::bind(config.listen).await?;
        let system = System::start(&config, listener, life::services()?).await?;
        let tokens = system.identity.sign_in(EMAIL, &password, now()).await?;
        Ok(Self { system, http: Client::new(), token: tokens.access.expose().to_owned() })
    }

    /// Its write side.
    pub(crate) fn commands(&self) -> Commands {
        self.system.commands.clone()
    }

    pub(crate) async fn watch(&self, job: JobId) -> anyhow::Result<Watching> {
        socket::watch(self.system.address(), &self.token, job).await
    }

    /// Sends a file whose name can stand in a URL, and gives back its SHA-256.
    pub(crate) async fn send(&self, name: &str, bytes: Vec<u8>) -> anyhow::Result<String> {
        let request = self.post(&format!("/api/files?name={name}")).body(bytes);
        let mut sent: Value = request.send().await?.error_for_status()?.json().await?;
        serde_json::from_value(sent["sha256"].take()).context("the hash of a file")
    }

    /// The data that answers a GraphQL operation.
    pub(crate) async fn ask(&self, query: &str, variables: Value) -> anyhow::Result<Value> {
        let body = json!({ "query": query, "variables": variables });
        let mut answer: Value = self.post("/graphql").json(&body).send().await?.json().await?;
        anyhow::ensure!(answer.get("errors").is_none(), "it was answered with {answer}");
        Ok(answer["data"].take())
    }

    fn post(&self, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.system.address());
        self.http.post(url).bearer_auth(&self.token)
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.system.stop().await
    }
}
