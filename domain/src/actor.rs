//! On whose behalf something happens.

use std::{collections::BTreeSet, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Refusal, UserId, WorkerId, service::ServiceName};

/// Who asks. Events name actors by id alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person, or a program that signs in as one.
    User {
        /// Who.
        id: UserId,
        /// What they may do.
        role: Role,
    },
    /// A process that holds leases.
    Worker {
        /// Which.
        id: WorkerId,
        /// The services that its token lets it work for.
        scope: ServiceScope,
    },
    /// The back end of another application. What it has done belongs to it, as
    /// to a user of its id.
    Client {
        /// Which.
        id: UserId,
        /// The services that it may use.
        scope: ServiceScope,
    },
    /// A part of Greffe that acts unasked.
    System(Component),
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Admin,
    /// Sees and steers every job.
    Operator,
    /// Creates jobs, sees and steers their own.
    Member,
    /// Sees their own jobs.
    Viewer,
}

/// The services that a worker may work for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceScope {
    /// Whatever there is.
    All,
    /// Only these.
    Named(Arc<BTreeSet<ServiceName>>),
}

/// A part of Greffe that acts unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// Ends leases that ran out, and jobs that expired.
    Rescuer,
    /// Queues jobs whose time has come.
    Scheduler,
    /// Looks after accounts: the first of them, letters that were asked for,
    /// jobs that go to somebody else.
    Registrar,
    /// Whoever has the command line of the machine.
    Console,
}

impl Role {
    /// Whether this role sees and steers what others own.
    pub fn sees_all(self) -> bool {
        matches!(self, Self::Admin | Self::Operator)
    }

    /// Whether this role may ask for jobs, and steer them.
    pub fn may_command(self) -> bool {
        !matches!(self, Self::Viewer)
    }
}

impl ServiceScope {
    /// Whether the scope holds `service`.
    pub fn allows(&self, service: &ServiceName) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(service),
        }
    }
}

impl Actor {
    /// Whether this actor may see and steer what `owner` owns.
    pub fn may_touch(&self, owner: UserId) -> bool {
        match self {
            Self::User { id, role } => *id == owner || role.sees_all(),
            Self::Client { id, .. } => *id == owner,
            Self::Worker { .. } => false,
            Self::System(_) => true,
        }
    }

    /// Refuses to give `to` what `owner` owns. Operators see and steer what
    /// others own, and do not give it away.
    pub fn may_give(&self, owner: UserId, to: UserId) -> Result<(), Refusal> {
        let may = match self {
            Self::User { id, role } => *id == owner || *role == Role::Admin,
            Self::Client { .. } | Self::Worker { .. } => false,
            Self::System(_) => true,
        };
        if !may {
            return Err(Refusal::Forbidden { rule: "one gives away one's own, or as an admin" });
        }
        if owner == to {
            return Err(Refusal::invalid("to", "somebody else than whose it is"));
        }
        Ok(())
    }
}

/// As metadata keep it: `user:…`, `worker:…`, `client:…`, `system:rescuer`.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { id, .. } => write!(f, "user:{id}"),
            Self::Worker { id, .. } => write!(f, "worker:{id}"),
            Self::Client { id, .. } => write!(f, "client:{id}"),
            Self::System(Component::Rescuer) => f.write_str("system:rescuer"),
            Self::System(Component::Scheduler) => f.write_str("system:scheduler"),
            Self::System(Component::Registrar) => f.write_str("system:registrar"),
            Self::System(Component::Console) => f.write_str("system:console"),
        }
    }
}
