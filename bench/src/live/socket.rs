//! A subscriber: one socket, one subscription, one job.

use std::{net::SocketAddr, time::Instant};

use anyhow::{Context, bail};
use domain::JobId;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use super::{STEPS, Times};

const SUBSCRIPTION: &str = "subscription($id: ID!) { \
    job(id: $id) { cursor job { state progress { done total message } } } }";

/// A job that is watched.
pub(super) struct Watching {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// Returns when the first frame is there, which says how the job stands.
pub(super) async fn watch(
    address: SocketAddr,
    token: &str,
    job: JobId,
) -> anyhow::Result<Watching> {
    let mut request = format!("ws://{address}/graphql").into_client_request()?;
    let protocol = HeaderValue::from_static("graphql-transport-ws");
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let (socket, _) = connect_async(request).await.context("open a socket")?;
    let mut watching = Watching { socket };
    let authorization = json!({ "authorization": format!("Bearer {token}") });
    watching.send(&json!({ "type": "connection_init", "payload": authorization })).await?;
    let payload = json!({ "query": SUBSCRIPTION, "variables": { "id": job } });
    watching.send(&json!({ "type": "subscribe", "id": "1", "payload": payload })).await?;
    watching.done().await.context("the first frame")?;
    Ok(watching)
}

impl Watching {
    /// When each step was seen. Steps that come together are seen together.
    pub(super) async fn to_the_end(mut self) -> anyhow::Result<Times> {
        let mut seen = Times::new();
        while (seen.len() as u64) < STEPS {
            let done = usize::try_from(self.done().await?)?;
            if seen.len() < done {
                seen.resize(done, Instant::now());
            }
        }
        self.socket.close(None).await?;
        Ok(seen)
    }

    async fn send(&mut self, message: &Value) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(message.to_string())).await?)
    }

    /// How far the job is, by the next frame.
    async fn done(&mut self) -> anyhow::Result<u64> {
        loop {
            let message = self.socket.next().await.context("the socket ended")??;
            let Message::Text(text) = message else { continue };
            let message: Value = serde_json::from_str(&text)?;
            match message["type"].as_str() {
                Some("next") => {
                    let done = &message["payload"]["data"]["job"]["job"]["progress"]["done"];
                    return Ok(done.as_u64().unwrap_or_default());
                }
                Some("ping") => self.send(&json!({ "type": "pong" })).await?,
                Some("connection_ack" | "pong") => {}
                _ => bail!("the subscription ends with {message}"),
            }
        }
    }
}
