//! A worker, one call at a time, and what the journal holds of it.

use anyhow::{Context, ensure};
use identity::WorkerServices;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Caller, World};

/// Whoever shows a worker token.
#[derive(Clone)]
pub(crate) struct Token {
    http: reqwest::Client,
    base: String,
    pub(crate) secret: String,
}

/// A worker that has registered.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) token: Token,
    pub(crate) id: String,
}

/// Status and body of an answer.
pub(crate) type Answer = (u16, Value);

impl Token {
    /// For every service.
    pub(crate) async fn new(world: &World) -> anyhow::Result<Self> {
        Self::scoped(world, &WorkerServices::All).await
    }

    pub(crate) async fn scoped(world: &World, services: &WorkerServices) -> anyhow::Result<Self> {
        let identity = &world.system.identity;
        let (_, token) =
            identity.create_worker_token("test", services, None, app::system::now()).await?;
        Ok(Self::given(&world.base, token.expose()))
    }

    /// What somebody shows who was given it.
    pub(crate) fn given(base: &str, secret: &str) -> Self {
        Self { http: reqwest::Client::new(), base: base.to_owned(), secret: secret.to_owned() }
    }

    /// The same, with another token.
    pub(crate) fn showing(self, secret: &str) -> Self {
        Self { secret: secret.to_owned(), ..self }
    }

    /// A request to change before it is sent.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}/worker/v1{path}", self.base))
            .bearer_auth(&self.secret)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        sent(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn register(&self, services: &[&str]) -> anyhow::Result<Worker> {
        let key = Uuid::new_v4().to_string();
        let body = json!({ "instance_key": key, "name": "test", "services": services });
        let (status, answer) = self.post("/workers", &body).await?;
        ensure!(status == 201, "{status} {answer}");
        let id = answer["worker_id"].as_str().context("a worker id")?.to_owned();
        Ok(Worker { token: self.clone(), id })
    }
}

impl Worker {
    /// For all services.
    pub(crate) async fn new(world: &World) -> anyhow::Result<Self> {
        Token::new(world).await?.register(&["anything", "checksum"]).await
    }

    /// Asks for one job, under a request of its own.
    pub(crate) async fn ask(&self, wait_ms: u64) -> anyhow::Result<Answer> {
        self.ask_as(Uuid::new_v4(), 1, wait_ms).await
    }

    pub(crate) async fn ask_as(
        &self,
        request: Uuid,
        max: u32,
        wait_ms: u64,
    ) -> anyhow::Result<Answer> {
        let body = json!({
            "worker_id": self.id, "request_id": request, "max": max, "wait_ms": wait_ms,
        });
        self.token.post("/leases", &body).await
    }

    /// Takes a job, waiting for one if need be.
    pub(crate) async fn take(&self) -> anyhow::Result<Value> {
        let (status, mut answer) = self.ask(20_000).await?;
        ensure!(status == 200, "{status} {answer}");
        Ok(answer["leases"][0].take())
    }

    /// Beats for one lease.
    pub(crate) async fn beat(&self, lease: &Value, said: Value) -> anyhow::Result<Value> {
        let mut held = json!({ "lease_id": lease["lease_id"], "fence": lease["fence"] });
        extend(&mut held, said)?;
        let body = json!({ "worker_id": self.id, "leases": [held] });
        let (status, mut answer) = self.token.post("/heartbeats", &body).await?;
        ensure!(status == 200, "{status} {answer}");
        Ok(answer["leases"][0].take())
    }

    pub(crate) async fn settle(&self, lease: &Value, said: Value) -> anyhow::Result<Answer> {
        let mut body = json!({ "fence": lease["fence"], "op_id": Uuid::new_v4() });
        extend(&mut body, said)?;
        self.token.post(&of_lease(lease, "settle")?, &body).await
    }

    pub(crate) async fn log(
        &self,
        lease: &Value,
        offset: u64,
        lines: &str,
    ) -> anyhow::Result<Answer> {
        let request = self.token.request(Method::POST, &of_lease(lease, "logs")?);
        let request = request
            .header("Content-Type", "application/x-ndjson")
            .header("Greffe-Fence", lease["fence"].to_string())
            .header("Greffe-Log-Offset", offset);
        sent(request.body(lines.to_owned())).await
    }

    pub(crate) async fn leave(&self) -> anyhow::Result<Answer> {
        sent(self.token.request(Method::DELETE, &format!("/workers/{}", self.id))).await
    }
}

/// Sends it; no body is a null.
pub(crate) async fn sent(request: RequestBuilder) -> anyhow::Result<Answer> {
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    let text = answer.text().await?;
    Ok((status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? }))
}

/// The path of something of a lease.
pub(crate) fn of_lease(lease: &Value, what: &str) -> anyhow::Result<String> {
    let id = lease["lease_id"].as_str().context("a lease id")?;
    Ok(format!("/leases/{id}/{what}"))
}

fn extend(body: &mut Value, more: Value) -> anyhow::Result<()> {
    let Value::Object(more) = more else { anyhow::bail!("{more} is no object") };
    body.as_object_mut().context("an object")?.extend(more);
    Ok(())
}

/// Fails unless the answer has this status and this code.
pub(crate) fn refused(answer: &Answer, status: u16, code: &str) -> anyhow::Result<()> {
    ensure!(answer.0 == status && answer.1["code"] == code, "{} {}", answer.0, answer.1);
    Ok(())
}

/// Reads the whole journal, as an auditor would.
pub(crate) struct Auditor(Caller);

impl Auditor {
    pub(crate) async fn new(world: &World) -> anyhow::Result<Self> {
        Ok(Self(world.person("auditor", identity::Role::Admin).await?))
    }

    /// The payloads of the events of one type in one stream, oldest first.
    pub(crate) async fn events(
        &self,
        category: &str,
        id: &Value,
        event_type: &str,
    ) -> anyhow::Result<Vec<Value>> {
        let id = id.as_str().context("an id")?;
        let query = "query($after: Position) { events(after: $after, first: 100) { \
                     position stream type payload } }";
        let (mut found, mut after) = (Vec::new(), Value::Null);
        loop {
            let mut page = self.0.ask(query, json!({ "after": after })).await?;
            let page = page["events"].as_array_mut().context("events")?;
            let Some(last) = page.last() else { return Ok(found) };
            after = last["position"].clone();
            let stream = json!(format!("{category}-{id}"));
            let of_type = page.iter_mut().filter(|it| it["type"] == event_type);
            found
                .extend(of_type.filter(|it| it["stream"] == stream).map(|it| it["payload"].take()));
        }
    }
}
