//! What happens to accounts, in the words of `identity` and in those of the
//! domain.

use std::collections::BTreeSet;

use commands::Command;
use domain::{
    ClientId, UserId,
    account::{self, AccountCommand, AccountEvent},
    client::{self, ClientCommand, ClientEvent},
    decode::Event,
    service::ServiceName,
};
use identity::{
    ClientKind, Happening, IdentityError, PasswordChange, Refusal, Registration, Role, SessionEnd,
    Subject, TokenScope, Told, WorkerServices,
};
use projections::Fact;

use crate::viewer::role_of;

/// What has it recorded.
pub(super) fn command(subject: Subject, what: Happening) -> Result<Command, IdentityError> {
    Ok(match subject {
        Subject::Account(id) => Command::Account(UserId(id), of_account(&what)?),
        Subject::Client(id) => Command::Client(ClientId(id), of_client(what)?),
    })
}

fn of_account(what: &Happening) -> Result<AccountCommand, IdentityError> {
    Ok(match *what {
        Happening::Invited { invitation, role } => {
            AccountCommand::InviteUser { invitation, role: role_of(role) }
        }
        Happening::Registered { role, by } => {
            AccountCommand::RegisterUser { role: role_of(role), by: registration(by) }
        }
        Happening::RoleChanged { role } => AccountCommand::ChangeRole { role: role_of(role) },
        Happening::Disabled => AccountCommand::DisableUser,
        Happening::Enabled => AccountCommand::EnableUser,
        Happening::PasswordChanged { password, by, kept } => {
            let by = match by {
                PasswordChange::Owner => account::PasswordChange::Owner,
                PasswordChange::Reset { reset } => account::PasswordChange::Reset { reset },
                PasswordChange::Admin => account::PasswordChange::Admin,
            };
            AccountCommand::ChangePassword { password, by, kept }
        }
        Happening::ResetRequested { reset } => AccountCommand::RequestPasswordReset { reset },
        Happening::SessionStarted { session, seen } => {
            AccountCommand::StartSession { session, seen }
        }
        Happening::SessionEnded { session, why } => {
            AccountCommand::EndSession { session, why: end(why) }
        }
        Happening::SessionsEnded { why } => AccountCommand::EndSessions { why: end(why) },
        Happening::TokenGranted { token, scope, expires_at } => {
            let scope = match scope {
                TokenScope::Read => account::TokenScope::Read,
                TokenScope::Write => account::TokenScope::Write,
            };
            AccountCommand::GrantToken { token, scope, expires_at }
        }
        Happening::TokenRevoked { token } => AccountCommand::RevokeToken { token },
        Happening::OwnershipTransferred { to } => {
            AccountCommand::TransferOwnership { to: UserId(to) }
        }
        Happening::ClientRegistered { .. }
        | Happening::ClientChanged { .. }
        | Happening::ClientQuotasChanged { .. }
        | Happening::SecretRotated { .. }
        | Happening::ClientDisabled => return Err(misplaced()),
    })
}

fn of_client(what: Happening) -> Result<ClientCommand, IdentityError> {
    Ok(match what {
        Happening::ClientRegistered { kind, services, quotas } => {
            let kind = match kind {
                ClientKind::Application => client::ClientKind::Application,
                ClientKind::Workers => client::ClientKind::Workers,
            };
            let services = match services {
                WorkerServices::All => None,
                WorkerServices::Named(names) => Some(named(&names)?),
            };
            ClientCommand::RegisterClient { kind, services, quotas: quotas_of(quotas) }
        }
        Happening::ClientChanged { services } => {
            ClientCommand::ChangeClient { services: named(&services)? }
        }
        Happening::ClientQuotasChanged { quotas } => {
            ClientCommand::ChangeClientQuotas { quotas: quotas_of(quotas) }
        }
        Happening::SecretRotated { secret } => ClientCommand::RotateSecret { secret },
        Happening::ClientDisabled => ClientCommand::DisableClient,
        Happening::Invited { .. }
        | Happening::Registered { .. }
        | Happening::RoleChanged { .. }
        | Happening::Disabled
        | Happening::Enabled
        | Happening::PasswordChanged { .. }
        | Happening::ResetRequested { .. }
        | Happening::SessionStarted { .. }
        | Happening::SessionEnded { .. }
        | Happening::SessionsEnded { .. }
        | Happening::TokenGranted { .. }
        | Happening::TokenRevoked { .. }
        | Happening::OwnershipTransferred { .. } => return Err(misplaced()),
    })
}

/// What was recorded.
pub(super) fn told(fact: &Fact) -> Result<Told, IdentityError> {
    let what = match &fact.event {
        Event::Account(event) => from_account(event),
        Event::Client(event) => from_client(event),
        Event::Job(_) | Event::Worker(_) | Event::Land(_) => return Err(misplaced()),
    };
    Ok(Told { version: fact.recorded.version, at: fact.at(), what })
}

fn from_account(event: &AccountEvent) -> Happening {
    match event {
        AccountEvent::UserInvited(it) => {
            Happening::Invited { invitation: it.invitation, role: word_of(it.role) }
        }
        AccountEvent::UserRegistered(it) => {
            Happening::Registered { role: word_of(it.role), by: registered(it.by) }
        }
        AccountEvent::RoleChanged(it) => Happening::RoleChanged { role: word_of(it.role) },
        AccountEvent::UserDisabled(_) => Happening::Disabled,
        AccountEvent::UserEnabled(_) => Happening::Enabled,
        AccountEvent::PasswordChanged(it) => {
            let by = match it.by {
                account::PasswordChange::Owner => PasswordChange::Owner,
                account::PasswordChange::Reset { reset } => PasswordChange::Reset { reset },
                account::PasswordChange::Admin => PasswordChange::Admin,
            };
            Happening::PasswordChanged { password: it.password, by, kept: it.kept }
        }
        AccountEvent::PasswordResetRequested(it) => Happening::ResetRequested { reset: it.reset },
        AccountEvent::SessionStarted(it) => {
            Happening::SessionStarted { session: it.session, seen: 0 }
        }
        AccountEvent::SessionEnded(it) => {
            Happening::SessionEnded { session: it.session, why: ended(it.why) }
        }
        AccountEvent::SessionsEnded(it) => Happening::SessionsEnded { why: ended(it.why) },
        AccountEvent::TokenGranted(it) => {
            let scope = match it.scope {
                account::TokenScope::Read => TokenScope::Read,
                account::TokenScope::Write => TokenScope::Write,
            };
            Happening::TokenGranted { token: it.token, scope, expires_at: it.expires_at }
        }
        AccountEvent::TokenRevoked(it) => Happening::TokenRevoked { token: it.token },
        AccountEvent::OwnershipTransferred(it) => Happening::OwnershipTransferred { to: it.to.0 },
    }
}

fn from_client(event: &ClientEvent) -> Happening {
    let listed = |it: &BTreeSet<ServiceName>| it.iter().map(ToString::to_string).collect();
    match event {
        ClientEvent::ClientRegistered(it) => {
            let kind = match it.kind {
                client::ClientKind::Application => ClientKind::Application,
                client::ClientKind::Workers => ClientKind::Workers,
            };
            let services = match &it.services {
                None => WorkerServices::All,
                Some(names) => WorkerServices::Named(listed(names)),
            };
            Happening::ClientRegistered { kind, services, quotas: quotas_from(it.quotas) }
        }
        ClientEvent::ClientChanged(it) => {
            Happening::ClientChanged { services: listed(&it.services) }
        }
        ClientEvent::ClientQuotasChanged(it) => {
            Happening::ClientQuotasChanged { quotas: quotas_from(it.quotas) }
        }
        ClientEvent::SecretRotated(it) => Happening::SecretRotated { secret: it.secret },
        ClientEvent::ClientDisabled(_) => Happening::ClientDisabled,
    }
}

fn quotas_of(it: identity::Quotas) -> client::Quotas {
    let identity::Quotas { active_jobs_max, jobs_per_hour, jobs_per_day } = it;
    client::Quotas { active_jobs_max, jobs_per_hour, jobs_per_day }
}

fn quotas_from(it: client::Quotas) -> identity::Quotas {
    let client::Quotas { active_jobs_max, jobs_per_hour, jobs_per_day } = it;
    identity::Quotas { active_jobs_max, jobs_per_hour, jobs_per_day }
}

fn registration(by: Registration) -> account::Registration {
    match by {
        Registration::First => account::Registration::First,
        Registration::Admin => account::Registration::Admin,
        Registration::Open => account::Registration::Open,
        Registration::Invitation { invitation, password } => {
            account::Registration::Invitation { invitation, password }
        }
        Registration::Migration => account::Registration::Migration,
    }
}

fn registered(by: account::Registration) -> Registration {
    match by {
        account::Registration::First => Registration::First,
        account::Registration::Admin => Registration::Admin,
        account::Registration::Open => Registration::Open,
        account::Registration::Invitation { invitation, password } => {
            Registration::Invitation { invitation, password }
        }
        account::Registration::Migration => Registration::Migration,
    }
}

fn end(why: SessionEnd) -> account::SessionEnd {
    match why {
        SessionEnd::SignedOut => account::SessionEnd::SignedOut,
        SessionEnd::Revoked => account::SessionEnd::Revoked,
        SessionEnd::TokenReused => account::SessionEnd::TokenReused,
    }
}

fn ended(why: account::SessionEnd) -> SessionEnd {
    match why {
        account::SessionEnd::SignedOut => SessionEnd::SignedOut,
        account::SessionEnd::Revoked => SessionEnd::Revoked,
        account::SessionEnd::TokenReused => SessionEnd::TokenReused,
    }
}

/// A role of the domain, as `identity` calls it.
pub(crate) fn word_of(role: domain::actor::Role) -> Role {
    match role {
        domain::actor::Role::Admin => Role::Admin,
        domain::actor::Role::Operator => Role::Operator,
        domain::actor::Role::Member => Role::Member,
        domain::actor::Role::Viewer => Role::Viewer,
    }
}

fn named(names: &[String]) -> Result<BTreeSet<ServiceName>, IdentityError> {
    let parse = |name: &String| {
        let refusal = || Refusal::ServiceNameInvalid { name: name.clone() };
        name.parse().map_err(|_| IdentityError::Refused(refusal()))
    };
    names.iter().map(parse).collect()
}

fn misplaced() -> IdentityError {
    IdentityError::Broken("something happened to a subject of another kind".into())
}
