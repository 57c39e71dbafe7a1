//! Through whose eyes one looks.

use domain::{Actor, UserId};

/// Through whose eyes one looks: every question about jobs takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Viewer {
    /// Sees everything.
    All,
    /// Sees what is theirs.
    Owner(UserId),
}

impl Viewer {
    /// What `actor` may see. A worker sees no jobs but through its leases.
    pub fn of(actor: &Actor) -> Option<Self> {
        match actor {
            Actor::User { role, .. } if role.sees_all() => Some(Self::All),
            Actor::User { id, .. } | Actor::Client { id, .. } => Some(Self::Owner(*id)),
            Actor::Worker { .. } => None,
            Actor::System(_) => Some(Self::All),
        }
    }

    /// Whether what `owner` owns is to be seen.
    pub fn sees(self, owner: UserId) -> bool {
        match self {
            Self::All => true,
            Self::Owner(id) => id == owner,
        }
    }

    /// The only owner to be seen, if there is only one.
    pub(crate) fn owner(self) -> Option<uuid::Uuid> {
        match self {
            Self::All => None,
            Self::Owner(id) => Some(id.0),
        }
    }
}
