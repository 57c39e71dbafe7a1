//! What is written down about a client, for good. Ids, services and numbers
//! only: no name, no secret, no hash.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Quotas;
use crate::{event_type::event_types, service::ServiceName};

event_types! {
    /// Something that happened to a client.
    ClientEvent {
        ClientRegistered,
        ClientChanged,
        ClientQuotasChanged,
        SecretRotated,
        ClientDisabled,
    }
}

/// What a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// The back end of another application: it has tasks done.
    Application,
    /// Workers that come with one token: they do tasks.
    Workers,
}

/// It may come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientRegistered {
    /// What it is.
    pub kind: ClientKind,
    /// The services that it may use or work for; all, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<BTreeSet<ServiceName>>,
    /// How much it may ask for.
    #[serde(default, skip_serializing_if = "Quotas::is_none")]
    pub quotas: Quotas,
}

/// It may use other services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientChanged {
    /// These.
    pub services: BTreeSet<ServiceName>,
}

/// It may ask for so much, and for no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientQuotasChanged {
    /// All of it, whatever was said before.
    pub quotas: Quotas,
}

/// It has another secret; the old one is good no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRotated {
    /// Which; not what it is.
    pub secret: Uuid,
}

/// It comes no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientDisabled {}
