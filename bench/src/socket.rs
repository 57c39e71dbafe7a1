//! A subscriber: one socket, one subscription, one job.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use domain::JobId;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

const SUBSCRIPTION: &str = "subscription($id: ID!) { \
    job(id: $id) { cursor job { state errors progress { done total message } } } }";

/// A job that is watched.
pub(crate) struct Watching {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// The first frame says how the job stands, the others what has become of it.
pub(crate) async fn watch(
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
    Ok(watching)
}

impl Watching {
    pub(crate) async fn close(mut self) -> anyhow::Result<()> {
        Ok(self.socket.close(None).await?)
    }

    async fn send(&mut self, message: &Value) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(message.to_string())).await?)
    }

    /// The job, by the next frame.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Value> {
        loop {
            let message = self.socket.next().await.context("the socket ended")??;
            let Message::Text(text) = message else { continue };
            let mut message: Value = serde_json::from_str(&text)?;
            match message["type"].as_str() {
                Some("next") => return Ok(message["payload"]["data"]["job"]["job"].take()),
                Some("ping") => self.send(&json!({ "type": "pong" })).await?,
                Some("connection_ack" | "pong") => {}
                _ => bail!("the subscription ends with {message}"),
            }
        }
    }
}
