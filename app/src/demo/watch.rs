//! Watches jobs to their end over subscriptions, with a bar each.
//!
//! The socket may end at any time, and does when its token expires: what is
//! watched goes on after the last cursor that was seen.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anyhow::{Context, bail};
use futures::{SinkExt, StreamExt};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use super::account::Account;
use crate::console;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How often a lost socket is opened again, without a frame in between.
const TRIES: u32 = 5;

const SUBSCRIPTION: &str = "subscription($id: ID!, $after: Position) { \
    job(id: $id, after: $after) { cursor job { state errors progress { done total message } } } }";

/// A job that is watched.
struct Watched {
    id: String,
    cursor: Option<String>,
    state: String,
    bar: ProgressBar,
}

/// Returns when every job has ended, with the position of the last frame.
pub(super) async fn to_the_end(
    address: SocketAddr,
    account: &Account,
    jobs: &[String],
) -> anyhow::Result<u64> {
    let bars = MultiProgress::new();
    let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {msg:!40}")
        .context("the style of the bars")?;
    let watched = |id: &String| {
        let bar = bars.add(ProgressBar::new(0).with_style(style.clone()));
        bar.set_prefix(id.clone());
        bar.enable_steady_tick(Duration::from_millis(200));
        Watched { id: id.clone(), cursor: None, state: String::new(), bar }
    };
    let mut open: BTreeMap<String, Watched> =
        jobs.iter().enumerate().map(|(index, id)| (index.to_string(), watched(id))).collect();
    let (mut tries, mut last) = (0, 0);
    while !open.is_empty() {
        let mut socket = connect(address, &account.access_token().await?).await?;
        for (operation, it) in &open {
            let variables = json!({ "id": it.id, "after": it.cursor });
            let payload = json!({ "query": SUBSCRIPTION, "variables": variables });
            let subscribe = json!({ "type": "subscribe", "id": operation, "payload": payload });
            socket.send(Message::text(subscribe.to_string())).await?;
        }
        if let Some(position) = follow(&mut socket, &mut open).await? {
            tries = 0;
            last = position.max(last);
        }
        tries += 1;
        if TRIES < tries {
            bail!("the subscriptions end before the jobs do");
        }
    }
    Ok(last)
}

async fn connect(address: SocketAddr, token: &str) -> anyhow::Result<Socket> {
    let mut request = format!("ws://{address}/graphql").into_client_request()?;
    let protocol = HeaderValue::from_static("graphql-transport-ws");
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let (mut socket, _) = connect_async(request).await.context("cannot open a socket")?;
    let authorization = json!({ "authorization": format!("Bearer {token}") });
    let init = json!({ "type": "connection_init", "payload": authorization });
    socket.send(Message::text(init.to_string())).await?;
    Ok(socket)
}

/// Takes in frames until the socket ends or nothing is left to watch. Gives
/// the position of the last, if there was one.
async fn follow(
    socket: &mut Socket,
    open: &mut BTreeMap<String, Watched>,
) -> anyhow::Result<Option<u64>> {
    let mut last = None;
    while !open.is_empty()
        && let Some(Ok(message)) = socket.next().await
    {
        let Message::Text(text) = message else { continue };
        let message: Value = serde_json::from_str(&text).context("a frame is no JSON")?;
        let operation = message["id"].as_str().unwrap_or_default();
        match message["type"].as_str() {
            Some("next") => {
                let frame = &message["payload"]["data"]["job"];
                let cursor = frame["cursor"].as_str().and_then(|it| it.parse().ok());
                last = cursor.max(last);
                if open.get_mut(operation).is_some_and(|it| it.take_in(frame)) {
                    open.remove(operation);
                }
            }
            Some("error") => bail!("a subscription is refused: {}", message["payload"]),
            Some("ping") => socket.send(Message::text(r#"{"type":"pong"}"#)).await?,
            _ => {}
        }
    }
    Ok(last)
}

impl Watched {
    /// Shows a frame. Says whether the job has ended.
    fn take_in(&mut self, frame: &Value) -> bool {
        if let Some(cursor) = frame["cursor"].as_str() {
            self.cursor = Some(cursor.to_owned());
        }
        let job = &frame["job"];
        if let Some(total) = job["progress"]["total"].as_u64() {
            self.bar.set_length(total);
        }
        self.bar.set_position(job["progress"]["done"].as_u64().unwrap_or_default());
        let message = job["progress"]["message"].as_str().unwrap_or_default();
        let state = job["state"].as_str().unwrap_or_default();
        self.bar.set_message(format!("{state} {message}"));
        if self.state != state && self.bar.is_hidden() {
            // No terminal to draw bars on: the steps are told as lines.
            console::say(format_args!("{} {state}", self.id));
        }
        state.clone_into(&mut self.state);
        let ended = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"].contains(&state);
        if ended {
            self.bar.finish();
        }
        ended
    }
}
