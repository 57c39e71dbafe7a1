//! Every event of accounts and clients, with every optional field, and with none.

use uuid::Uuid;

use super::Event;
use crate::{
    Timestamp, UserId,
    account::{
        AccountEvent, OwnershipTransferred, PasswordChange, PasswordChanged,
        PasswordResetRequested, Registration, RoleChanged, SessionEnd, SessionEnded,
        SessionStarted, SessionsEnded, TokenGranted, TokenRevoked, TokenScope, UserDisabled,
        UserEnabled, UserInvited, UserRegistered,
    },
    actor::Role,
    client::{
        ClientChanged, ClientDisabled, ClientEvent, ClientKind, ClientQuotasChanged,
        ClientRegistered, Quotas, SecretRotated,
    },
};

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub(super) fn people(expires_at: Timestamp) -> Vec<Event> {
    let accounts = [registrations(), lives(expires_at)].concat().into_iter().map(Event::Account);
    accounts.chain(clients().into_iter().map(Event::Client)).collect()
}

fn registrations() -> Vec<AccountEvent> {
    let registered = |role, by| UserRegistered { role, by }.into();
    let invitation = Registration::Invitation { invitation: id(1), password: id(2) };
    vec![
        UserInvited { invitation: id(1), role: Role::Operator }.into(),
        registered(Role::Admin, Registration::First),
        registered(Role::Operator, Registration::Admin),
        registered(Role::Member, Registration::Open),
        registered(Role::Viewer, invitation),
        registered(Role::Member, Registration::Migration),
    ]
}

fn lives(expires_at: Timestamp) -> Vec<AccountEvent> {
    let changed = |by, kept| PasswordChanged { password: id(2), by, kept }.into();
    let ended = |why| SessionEnded { session: id(4), why }.into();
    let granted = |scope, expires_at| TokenGranted { token: id(5), scope, expires_at }.into();
    vec![
        RoleChanged { role: Role::Viewer }.into(),
        UserDisabled {}.into(),
        UserEnabled {}.into(),
        changed(PasswordChange::Owner, Some(id(4))),
        changed(PasswordChange::Reset { reset: id(3) }, None),
        changed(PasswordChange::Admin, None),
        PasswordResetRequested { reset: id(3) }.into(),
        SessionStarted { session: id(4) }.into(),
        ended(SessionEnd::SignedOut),
        ended(SessionEnd::Revoked),
        ended(SessionEnd::TokenReused),
        SessionsEnded { why: SessionEnd::Revoked }.into(),
        granted(TokenScope::Read, Some(expires_at)),
        granted(TokenScope::Write, None),
        TokenRevoked { token: id(5) }.into(),
        OwnershipTransferred { to: UserId(id(6)) }.into(),
    ]
}

fn clients() -> Vec<ClientEvent> {
    let named = ["ocr".parse().unwrap(), "checksum".parse().unwrap()];
    let (none, all) = (Quotas::default(), quotas());
    let registered = |kind, services, quotas| ClientRegistered { kind, services, quotas }.into();
    vec![
        registered(ClientKind::Application, Some(named.clone().into()), none),
        registered(ClientKind::Workers, None, none),
        registered(ClientKind::Application, Some(named.clone().into()), all),
        ClientChanged { services: named.into() }.into(),
        ClientQuotasChanged { quotas: all }.into(),
        ClientQuotasChanged { quotas: none }.into(),
        SecretRotated { secret: id(7) }.into(),
        ClientDisabled {}.into(),
    ]
}

fn quotas() -> Quotas {
    Quotas { active_jobs_max: Some(20), jobs_per_hour: Some(100), jobs_per_day: Some(1_000) }
}
