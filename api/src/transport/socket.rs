//! `graphql-transport-ws`: operations over a socket, each with answers of its
//! own.
//!
//! One task converses with the client; each operation is a task that hands
//! frames to it through a short queue, so that a reader who is too slow stops
//! the operations of its own socket and nothing else. A socket ends when its
//! session does, and says by its code what its client should do next: come back
//! (1012, 1013, 4403, 4408) or not.

mod alarm;
mod close;
mod connection;
mod message;
mod operations;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    extract::ws::{WebSocket, WebSocketUpgrade},
    http::request::Parts,
    response::Response,
};
use futures::StreamExt;

use super::{Denied, Service, session::Bearer};
use crate::{caller_address::CallerAddress, request::Trace};
use close::Close;
use connection::Connection;

/// The one subprotocol that is spoken.
pub(super) const PROTOCOL: &str = "graphql-transport-ws";

/// A message longer than the limit is answered with a proper close; this many
/// times longer, it is not even read.
const UNREAD_FACTOR: usize = 4;

/// The default would be 128 KiB for each of thousands of sockets.
const READ_BUFFER_BYTES: usize = 4 << 10;

/// What the request said that opened a socket.
struct Opening {
    bearer: Result<Option<Bearer>, Denied>,
    /// Of all that the socket leads to.
    trace: Option<Trace>,
    /// Where whoever opened it is.
    address: Option<CallerAddress>,
}

/// Accepts a socket. Its headers may hold a token, for clients that can set headers.
pub(super) fn open(service: Arc<Service>, upgrade: WebSocketUpgrade, request: &Parts) -> Response {
    let opening = Opening {
        bearer: Bearer::from_headers(&request.headers),
        trace: Trace::from_headers(&request.headers),
        address: request.extensions.get::<CallerAddress>().copied(),
    };
    let bytes_max = service.settings.socket.message_max_bytes * UNREAD_FACTOR;
    let sockets = service.sockets.clone();
    upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(bytes_max)
        .max_frame_size(bytes_max)
        .on_upgrade(move |socket| sockets.track_future(converse(service, socket, opening)))
}

async fn converse(service: Arc<Service>, socket: WebSocket, opening: Opening) {
    let agreed = socket.protocol().is_some_and(|it| it == PROTOCOL);
    let (sink, stream) = socket.split();
    if agreed {
        Connection::new(service, sink, opening).converse(stream).await;
    } else {
        close::say(sink, stream, Close::subprotocol()).await;
    }
}
