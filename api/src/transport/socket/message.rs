//! What is said on a socket, in JSON.

use serde_json::{Map, Value, json};

use crate::transport::{fault::Faults, parameters::Parameters};

/// The free part of a message.
pub(super) type Payload = Map<String, Value>;

/// What clients say.
#[derive(Debug)]
pub(super) enum ClientMessage {
    Init(Payload),
    Ping(Option<Payload>),
    Pong,
    Subscribe { id: String, parameters: Parameters },
    Complete { id: String },
}

impl ClientMessage {
    /// Reads one, or tells what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let message: Value =
            serde_json::from_str(text).map_err(|it| format!("a message must be JSON: {it}"))?;
        let Value::Object(mut message) = message else {
            return Err("a message must be an object".to_owned());
        };
        let payload = match message.remove("payload") {
            None | Some(Value::Null) => None,
            Some(Value::Object(payload)) => Some(payload),
            Some(_) => return Err("`payload` must be an object".to_owned()),
        };
        match message.get("type").and_then(Value::as_str) {
            Some("connection_init") => Ok(Self::Init(payload.unwrap_or_default())),
            Some("ping") => Ok(Self::Ping(payload)),
            Some("pong") => Ok(Self::Pong),
            Some("subscribe") => {
                let payload = Value::Object(payload.ok_or("`payload` is missing")?);
                let parameters =
                    Parameters::from_json(payload).map_err(|it| it.message().to_owned())?;
                Ok(Self::Subscribe { id: id(&mut message)?, parameters })
            }
            Some("complete") => Ok(Self::Complete { id: id(&mut message)? }),
            Some(other) => Err(format!("`{other}` is not a type of message")),
            None => Err("`type` must be a string".to_owned()),
        }
    }
}

fn id(message: &mut Map<String, Value>) -> Result<String, String> {
    match message.remove("id") {
        Some(Value::String(id)) if !id.is_empty() => Ok(id),
        _ => Err("`id` must be a string with something in it".to_owned()),
    }
}

/// The credentials in a payload, written as the header is.
pub(super) fn credentials(payload: &Payload) -> Option<&Value> {
    payload.get("authorization").or_else(|| payload.get("Authorization"))
}

pub(super) fn ack() -> String {
    r#"{"type":"connection_ack"}"#.to_owned()
}

pub(super) fn ping(payload: Option<Value>) -> String {
    signal("ping", payload)
}

pub(super) fn pong(payload: Option<Value>) -> String {
    signal("pong", payload)
}

fn signal(kind: &str, payload: Option<Value>) -> String {
    match payload {
        None => json!({ "type": kind }).to_string(),
        Some(payload) => json!({ "type": kind, "payload": payload }).to_string(),
    }
}

/// `result` is JSON already, and is not parsed again for every client.
pub(super) fn next(id: &str, result: &str) -> String {
    format!(r#"{{"id":{},"type":"next","payload":{result}}}"#, Value::from(id))
}

pub(super) fn error(id: &str, faults: &Faults) -> String {
    format!(r#"{{"id":{},"type":"error","payload":{}}}"#, Value::from(id), faults.to_json())
}

pub(super) fn complete(id: &str) -> String {
    json!({ "id": id, "type": "complete" }).to_string()
}
