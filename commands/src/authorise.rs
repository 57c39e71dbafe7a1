//! Who may ask for what, before anything is loaded. Ownership is decided with
//! the job at hand, in [`domain`].

use domain::{
    Actor, Refusal, UserId,
    actor::{Component, Role},
};

/// The commands that people give.
const USER: &[&str] = &[
    "CreateTask",
    "StartCrawl",
    "RequestReport",
    "RetryJob",
    "CancelJob",
    "PauseJob",
    "ResumeJob",
    "TransferJob",
    "CreateLand",
    "ChangeLand",
    "DeleteLand",
    "TransferLand",
];
/// What the back ends of other applications ask for.
const CLIENT: &[&str] = &["CreateTask", "RetryJob", "CancelJob", "PauseJob", "ResumeJob"];
/// What everybody may do about their own account, whatever their role.
const OWN: &[&str] = &[
    "RegisterUser",
    "StartSession",
    "EndSession",
    "EndSessions",
    "ChangePassword",
    "GrantToken",
    "RevokeToken",
];
/// What is done about other people's accounts, and about clients.
const ADMIN: &[&str] = &[
    "RegisterUser",
    "InviteUser",
    "ChangeRole",
    "DisableUser",
    "EnableUser",
    "ChangePassword",
    "EndSession",
    "EndSessions",
    "RevokeToken",
    "TransferOwnership",
    "RegisterClient",
    "ChangeClient",
    "ChangeClientQuotas",
    "RotateSecret",
    "DisableClient",
];
/// What is done about accounts unasked.
const REGISTRAR: &[&str] = &[
    "RegisterUser",
    "DisableUser",
    "RequestPasswordReset",
    "RegisterClient",
    "DisableClient",
    "TransferJob",
    "TransferLand",
];
/// What those who hold leases report.
const WORKER: &[&str] = &[
    "RegisterWorker",
    "RefuseReport",
    "LeaveWorker",
    "GrantLease",
    "ReportProgress",
    "RecordPages",
    "CompleteTask",
    "CompleteCrawl",
    "CompleteReport",
    "FailAttempt",
    "ReleaseLease",
    "ConfirmCancel",
];
const RESCUER: &[&str] = &["ExpireLease", "ExpireJob", "FailAttempt"];
const SCHEDULER: &[&str] = &["QueueJob"];
/// What whoever has the machine may do, besides what admins may.
const CONSOLE: &[&str] = &["GrantToken", "TransferJob", "TransferLand"];

/// Refuses what is not in the actor's list.
pub(crate) fn check(command: &'static str, actor: &Actor) -> Result<(), Refusal> {
    let (allowed, rule) = match actor {
        Actor::User { .. } if OWN.contains(&command) => return Ok(()),
        Actor::User { role: Role::Admin, .. } if ADMIN.contains(&command) => return Ok(()),
        Actor::User { .. } if ADMIN.contains(&command) => (&[][..], "this is for admins"),
        Actor::User { role: Role::Admin | Role::Operator | Role::Member, .. } => {
            (USER, "this is for workers")
        }
        Actor::User { role: Role::Viewer, .. } => (&[][..], "viewers only look"),
        Actor::Worker { .. } => (WORKER, "this is not for workers"),
        Actor::Client { .. } => (CLIENT, "this is not for clients"),
        Actor::System(Component::Rescuer) => (RESCUER, "this is not for the rescuer"),
        Actor::System(Component::Scheduler) => (SCHEDULER, "this is not for the scheduler"),
        Actor::System(Component::Registrar) => (REGISTRAR, "this is not for the registrar"),
        Actor::System(Component::Console) => (CONSOLE, "this is not for the command line"),
    };
    let is_console = matches!(actor, Actor::System(Component::Console));
    if allowed.contains(&command) || is_console && ADMIN.contains(&command) {
        Ok(())
    } else {
        Err(Refusal::Forbidden { rule })
    }
}

/// Refuses what is about another's account, unless it is for admins. To others
/// that account does not exist.
pub(crate) fn own_or_any(
    command: &'static str,
    account: UserId,
    actor: &Actor,
) -> Result<(), Refusal> {
    match actor {
        Actor::User { id, .. } if *id == account => Ok(()),
        Actor::User { role: Role::Admin, .. } if ADMIN.contains(&command) => Ok(()),
        Actor::User { .. } | Actor::Worker { .. } | Actor::Client { .. } => {
            Err(Refusal::NotFound { what: "user" })
        }
        Actor::System(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
