//! Who may ask for what, before anything is loaded. Ownership is decided with
//! the job at hand, in [`domain`].

use domain::{
    Actor, Refusal,
    actor::{Component, Role},
};

/// The commands that people give.
const USER: &[&str] = &["CreateTask", "StartCrawl", "RequestReport", "RetryJob", "CancelJob"];
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

/// Refuses what is not in the actor's list.
pub(crate) fn check(command: &'static str, actor: &Actor) -> Result<(), Refusal> {
    let (allowed, rule) = match actor {
        Actor::User { role: Role::Admin | Role::Operator | Role::Member, .. } => {
            (USER, "this is for workers")
        }
        Actor::User { role: Role::Viewer, .. } => (&[][..], "viewers only look"),
        Actor::Worker { .. } => (WORKER, "this is not for workers"),
        Actor::System(Component::Rescuer) => (RESCUER, "this is not for the rescuer"),
        Actor::System(Component::Scheduler) => (SCHEDULER, "this is not for the scheduler"),
    };
    if allowed.contains(&command) { Ok(()) } else { Err(Refusal::Forbidden { rule }) }
}

#[cfg(test)]
mod tests;
