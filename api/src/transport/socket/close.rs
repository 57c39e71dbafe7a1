//! How sockets end. Clients decide by the code whether to come back, so each
//! code is exactly that of the protocol.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::time::timeout;

use crate::transport::session::Denied;

/// The longest reason that fits a close frame; a longer one makes the frame illegal.
const REASON_MAX_BYTES: usize = 123;

/// How long a client may take to be told, and then to hang up.
const GOODBYE: Duration = Duration::from_secs(1);

/// A code and the reason behind it.
#[derive(Debug)]
pub(super) struct Close {
    code: u16,
    reason: String,
}

/// Why a conversation ends.
#[derive(Debug)]
pub(super) enum End {
    /// There is nobody to tell.
    Gone,
    /// The client is told.
    Told(Close),
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Told(close)
    }
}

impl Close {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        reason.truncate(reason.floor_char_boundary(REASON_MAX_BYTES));
        Self { code, reason }
    }

    pub(super) fn silent() -> Self {
        Self::new(1001, "nothing was heard for too long")
    }

    pub(super) fn too_long(bytes_max: usize) -> Self {
        Self::new(1009, format!("a message is at most {bytes_max} bytes long"))
    }

    pub(super) fn restart() -> Self {
        Self::new(1012, "the server restarts; resume with `after`")
    }

    pub(super) fn too_slow() -> Self {
        Self::new(1013, "frames are not read fast enough; resume with `after`")
    }

    pub(super) fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(4400, reason)
    }

    pub(super) fn not_acknowledged() -> Self {
        Self::new(4401, "Unauthorized")
    }

    /// A client that is refused may come back with another token; one that cannot
    /// be judged, with the same.
    pub(super) fn denied(denied: &Denied) -> Self {
        let code = match denied {
            Denied::Malformed | Denied::Expired | Denied::Revoked => 4403,
            Denied::Broken(_) => 1013,
        };
        Self::new(code, format!("{}: {denied}", denied.reason()))
    }

    pub(super) fn another_subject() -> Self {
        Self::new(4403, "TOKEN_OF_ANOTHER: the token is not of the subject of this socket")
    }

    pub(super) fn subprotocol() -> Self {
        Self::new(4406, "Subprotocol not acceptable")
    }

    pub(super) fn init_timeout() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    pub(super) fn subscriber_exists(id: &str) -> Self {
        Self::new(4409, format!("Subscriber for {id} already exists"))
    }

    pub(super) fn initialised_twice() -> Self {
        Self::new(4429, "Too many initialisation requests")
    }
}

/// Says goodbye, and waits a moment for the other side to hang up: what it has
/// still in flight would otherwise make the system reset the connection, and
/// the code would be lost.
pub(super) async fn say(
    mut sink: SplitSink<WebSocket, Message>,
    mut stream: SplitStream<WebSocket>,
    close: Close,
) {
    let frame = CloseFrame { code: close.code, reason: close.reason.into() };
    if let Ok(Ok(())) = timeout(GOODBYE, sink.send(Message::Close(Some(frame)))).await {
        let hang_up = async { while let Some(Ok(_)) = stream.next().await {} };
        if timeout(GOODBYE, hang_up).await.is_err() {
            tracing::debug!(code = close.code, "a client did not hang up");
        }
    }
}
