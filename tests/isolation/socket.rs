//! Many subscriptions over one `graphql-transport-ws` socket.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, ensure};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use super::schema::Operation;
use crate::world::Caller;

/// How long a frame may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the operation is called whose frames say how far one has heard.
const OWN: &str = "own jobs";

const OWN_JOBS: &str = "subscription { jobEvents(after: \"0\") { events { \
    ... on JobAdded { job { id } } ... on JobChanged { job { id } } } } }";

pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// What was asked for, by the operation's number.
    asked: BTreeMap<String, String>,
}

impl Socket {
    pub(super) async fn open(caller: &Caller) -> anyhow::Result<Self> {
        let url = format!("{}/graphql", caller.base.replacen("http", "ws", 1));
        let mut request = url.into_client_request()?;
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (mut stream, _) = connect_async(request).await?;
        let authorization = json!({ "authorization": format!("Bearer {}", caller.token) });
        let init = json!({ "type": "connection_init", "payload": authorization });
        stream.send(Message::text(init.to_string())).await?;
        Ok(Self { stream, asked: BTreeMap::new() })
    }

    pub(super) async fn subscribe(&mut self, operation: &Operation) -> anyhow::Result<()> {
        let number = self.asked.len().to_string();
        self.asked.insert(number.clone(), operation.name.clone());
        let payload = json!({ "query": operation.query, "variables": operation.variables });
        let subscribe = json!({ "type": "subscribe", "id": number, "payload": payload });
        Ok(self.stream.send(Message::text(subscribe.to_string())).await?)
    }

    /// Every frame until one of them tells of that job.
    pub(super) async fn until_told_of(self, job: &str) -> anyhow::Result<Vec<(String, Value)>> {
        self.until(|_, frame| frame.to_string().contains(job)).await
    }

    /// Every frame until one is the last, as `last` says of the operation and the frame. What the
    /// caller owns is asked for too.
    pub(super) async fn until(
        self,
        last: impl FnMut(&str, &Value) -> bool,
    ) -> anyhow::Result<Vec<(String, Value)>> {
        timeout(2 * PATIENCE, self.frames(last)).await.context("the last frame in time")?
    }

    async fn frames(
        mut self,
        mut last: impl FnMut(&str, &Value) -> bool,
    ) -> anyhow::Result<Vec<(String, Value)>> {
        let query = OWN_JOBS.to_owned();
        let own = Operation { name: OWN.to_owned(), query, variables: json!({}) };
        self.subscribe(&own).await?;
        let mut frames = Vec::new();
        loop {
            let message = timeout(PATIENCE, self.stream.next()).await.context("a frame in time")?;
            let text = match message.context("a socket that stays open")?? {
                Message::Text(text) => text,
                Message::Close(why) => anyhow::bail!("the socket is closed: {why:?}"),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                    continue;
                }
            };
            let mut frame: Value = serde_json::from_str(&text)?;
            if frame["type"] == "ping" {
                self.stream.send(Message::text(r#"{"type":"pong"}"#)).await?;
            }
            if !["next", "error"].contains(&frame["type"].as_str().unwrap_or_default()) {
                continue;
            }
            let number = frame["id"].as_str().unwrap_or_default();
            let asked = self.asked.get(number).cloned().context("an operation of ours")?;
            let payload = frame["payload"].take();
            let payload = if payload.is_array() { json!({ "errors": payload }) } else { payload };
            ensure!(asked != OWN || payload.get("errors").is_none(), "own jobs: {payload}");
            let is_last = last(&asked, &payload);
            frames.push((asked, payload));
            if is_last {
                return Ok(frames);
            }
        }
    }
}
