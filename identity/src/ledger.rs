//! What happens to accounts and clients, as the journal will tell it. Ids and
//! words only.
//!
//! This crate knows no journal. Whoever opens it brings a [`Ledger`], which
//! records what is about to happen, or says why it must not. The order is
//! always the same: write ahead what no event may hold, record, then apply what
//! was recorded. See `follow`.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::client::Quotas;
use crate::error::IdentityError;
use crate::own_token::TokenScope;
use crate::role::Role;
use crate::worker_token::WorkerServices;

/// Where things are recorded before they take effect.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Records it, or refuses. What it leads to may be nothing, if it is so
    /// already.
    async fn record(&self, entry: Entry) -> Result<(), IdentityError>;

    /// What was recorded of a subject after a version, oldest first.
    async fn after(&self, subject: Subject, version: u64) -> Result<Vec<Told>, IdentityError>;
}

/// What is to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub by: Author,
    pub subject: Subject,
    pub what: Happening,
    pub at: DateTime<Utc>,
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its place among those of its subject, from 1.
    pub version: u64,
    pub at: DateTime<Utc>,
    pub what: Happening,
}

/// What something happens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    Account(Uuid),
    /// A worker token, or the back end of another application.
    Client(Uuid),
}

/// On whose behalf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// Whoever has the command line of the machine.
    Console,
    /// Greffe itself.
    Registrar,
    User {
        id: Uuid,
        role: Role,
    },
}

/// Something that happens to an account or a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    Invited {
        invitation: Uuid,
        role: Role,
    },
    Registered {
        role: Role,
        by: Registration,
    },
    RoleChanged {
        role: Role,
    },
    Disabled,
    Enabled,
    PasswordChanged {
        password: Uuid,
        by: PasswordChange,
        kept: Option<Uuid>,
    },
    ResetRequested {
        reset: Uuid,
    },
    /// `seen` is the version at which the password was right.
    SessionStarted {
        session: Uuid,
        seen: u64,
    },
    SessionEnded {
        session: Uuid,
        why: SessionEnd,
    },
    SessionsEnded {
        why: SessionEnd,
    },
    TokenGranted {
        token: Uuid,
        scope: TokenScope,
        expires_at: Option<DateTime<Utc>>,
    },
    TokenRevoked {
        token: Uuid,
    },
    OwnershipTransferred {
        to: Uuid,
    },
    ClientRegistered {
        kind: ClientKind,
        services: WorkerServices,
        quotas: Quotas,
    },
    ClientChanged {
        services: Vec<String>,
    },
    ClientQuotasChanged {
        quotas: Quotas,
    },
    SecretRotated {
        secret: Uuid,
    },
    ClientDisabled,
}

/// How somebody came to have an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    First,
    Admin,
    Open,
    Invitation {
        invitation: Uuid,
        password: Uuid,
    },
    /// It was there before accounts had events.
    Migration,
}

/// Why a password may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordChange {
    Owner,
    Reset { reset: Uuid },
    Admin,
}

/// Why a session is over before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    SignedOut,
    Revoked,
    TokenReused,
}

impl SessionEnd {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            SessionEnd::SignedOut => "signed_out",
            SessionEnd::Revoked => "revoked",
            SessionEnd::TokenReused => "token_reused",
        }
    }
}

/// What a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    Application,
    Workers,
}
