//! The life of a program that comes with a secret of its own: the back end of
//! another application, or a fleet of workers.
//!
//! What it is called and how it proves itself stands in `identity`.

mod event;
mod quota;

pub use event::{
    ClientChanged, ClientDisabled, ClientEvent, ClientKind, ClientQuotasChanged, ClientRegistered,
    SecretRotated,
};
pub use quota::{Exceeded, Quota, Quotas};

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Context, Decider, Refusal, decode::Event, service::ServiceName};

/// A client, as the events so far have left it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Client {
    /// Nobody has heard of it.
    #[default]
    Absent,
    /// It may come.
    Registered {
        /// What it is.
        kind: ClientKind,
        /// How much it may ask for.
        quotas: Quotas,
    },
    /// It comes no more.
    Disabled,
}

/// What one may ask of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCommand {
    /// Let it come.
    RegisterClient {
        /// What it is.
        kind: ClientKind,
        /// The services that it may use or work for; all, if not said.
        services: Option<BTreeSet<ServiceName>>,
        /// How much it may ask for.
        quotas: Quotas,
    },
    /// Let it use other services.
    ChangeClient {
        /// Which.
        services: BTreeSet<ServiceName>,
    },
    /// Let it ask for more, or for less.
    ChangeClientQuotas {
        /// How much; all of it, whatever was said before.
        quotas: Quotas,
    },
    /// Give it another secret; the old one is good no more.
    RotateSecret {
        /// Which; not what it is.
        secret: Uuid,
    },
    /// Let it come no more, for good.
    DisableClient,
}

impl ClientCommand {
    /// The name that it is authorised, counted and logged under.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RegisterClient { .. } => "RegisterClient",
            Self::ChangeClient { .. } => "ChangeClient",
            Self::ChangeClientQuotas { .. } => "ChangeClientQuotas",
            Self::RotateSecret { .. } => "RotateSecret",
            Self::DisableClient => "DisableClient",
        }
    }
}

impl Decider for Client {
    const CATEGORY: &'static str = "client";
    type Command = ClientCommand;
    type Event = ClientEvent;

    fn decide(&self, command: ClientCommand, _: &Context) -> Result<Vec<ClientEvent>, Refusal> {
        match (self, command) {
            (Self::Absent, ClientCommand::RegisterClient { kind, services, quotas }) => {
                if services.as_ref().is_some_and(BTreeSet::is_empty) {
                    return Err(Refusal::invalid("services", "at least one"));
                }
                for_creators(kind, &quotas)?;
                Ok(vec![ClientRegistered { kind, services, quotas }.into()])
            }
            (Self::Absent, _) => Err(Refusal::NotFound { what: "client" }),
            (_, ClientCommand::RegisterClient { .. }) => Err(Refusal::AlreadyExists),
            (Self::Registered { .. }, ClientCommand::ChangeClient { services }) => {
                if services.is_empty() {
                    return Err(Refusal::invalid("services", "at least one"));
                }
                Ok(vec![ClientChanged { services }.into()])
            }
            (
                Self::Registered { kind, quotas: before },
                ClientCommand::ChangeClientQuotas { quotas },
            ) => {
                for_creators(*kind, &quotas)?;
                if quotas == *before {
                    return Ok(Vec::new());
                }
                Ok(vec![ClientQuotasChanged { quotas }.into()])
            }
            (Self::Registered { .. }, ClientCommand::RotateSecret { secret }) => {
                Ok(vec![SecretRotated { secret }.into()])
            }
            (Self::Registered { .. }, ClientCommand::DisableClient) => {
                Ok(vec![ClientDisabled {}.into()])
            }
            (Self::Disabled, ClientCommand::DisableClient) => Ok(Vec::new()),
            (
                Self::Disabled,
                ClientCommand::ChangeClient { .. }
                | ClientCommand::ChangeClientQuotas { .. }
                | ClientCommand::RotateSecret { .. },
            ) => Err(Refusal::Forbidden { rule: "the client is disabled" }),
        }
    }

    fn own(event: Event) -> Option<ClientEvent> {
        if let Event::Client(event) = event { Some(event) } else { None }
    }

    fn evolve(&mut self, event: &ClientEvent, _: u64) {
        match event {
            ClientEvent::ClientRegistered(it) => {
                *self = Self::Registered { kind: it.kind, quotas: it.quotas };
            }
            ClientEvent::ClientQuotasChanged(it) => {
                if let Self::Registered { quotas, .. } = self {
                    *quotas = it.quotas;
                }
            }
            ClientEvent::ClientChanged(_) | ClientEvent::SecretRotated(_) => {}
            ClientEvent::ClientDisabled(_) => *self = Self::Disabled,
        }
    }

    fn weight(&self) -> usize {
        0 // all of it is in its own size
    }
}

/// Workers create no jobs: there is nothing to count.
fn for_creators(kind: ClientKind, quotas: &Quotas) -> Result<(), Refusal> {
    if kind == ClientKind::Workers && !quotas.is_none() {
        return Err(Refusal::invalid("quotas", "none for workers: they create no jobs"));
    }
    quotas.check()
}

#[cfg(test)]
mod tests;
