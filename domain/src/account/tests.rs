//! What may happen to an account.

use super::*;
use crate::{Actor, UserId, actor::Component, testing::given};

const OLD: Uuid = Uuid::from_u128(1);
const NEW: Uuid = Uuid::from_u128(2);

fn context() -> Context {
    let now = chrono::DateTime::from_timestamp(1_000, 0).unwrap();
    Context { actor: Actor::System(Component::Console), now }
}

fn registered() -> AccountEvent {
    UserRegistered { role: Role::Member, by: Registration::Open }.into()
}

fn invited(invitation: Uuid) -> AccountEvent {
    UserInvited { invitation, role: Role::Operator }.into()
}

fn reset_requested(reset: Uuid) -> AccountEvent {
    PasswordResetRequested { reset }.into()
}

fn changed(by: PasswordChange) -> PasswordChanged {
    PasswordChanged { password: NEW, by, kept: None }
}

fn change(by: PasswordChange) -> AccountCommand {
    AccountCommand::ChangePassword { password: NEW, by, kept: None }
}

#[test]
fn the_last_invitation_is_good_once_and_decides_the_role() {
    let join = |invitation| {
        let by = Registration::Invitation { invitation, password: NEW };
        AccountCommand::RegisterUser { role: Role::Admin, by }
    };
    let by = Registration::Invitation { invitation: NEW, password: NEW };
    let joined: AccountEvent = UserRegistered { role: Role::Operator, by }.into();
    given::<Account>([invited(OLD), invited(NEW)])
        .when(join(NEW), &context())
        .then([joined.clone()]);
    let rule = "the invitation must be the last one, and unused";
    given::<Account>([invited(OLD), invited(NEW)])
        .when(join(OLD), &context())
        .refused(&Refusal::Forbidden { rule });
    given::<Account>([invited(NEW), joined])
        .when(join(NEW), &context())
        .refused(&Refusal::AlreadyExists);
    given::<Account>([]).when(join(NEW), &context()).refused(&NO_SUCH_USER);
}

#[test]
fn an_invitation_cannot_be_gone_around() {
    let open = AccountCommand::RegisterUser { role: Role::Member, by: Registration::Open };
    let rule = "the invitation must be the last one, and unused";
    given::<Account>([invited(NEW)]).when(open, &context()).refused(&Refusal::Forbidden { rule });
}

#[test]
fn who_comes_unasked_is_a_member() {
    let open = |role| AccountCommand::RegisterUser { role, by: Registration::Open };
    given::<Account>([]).when(open(Role::Member), &context()).then([registered()]);
    let rule = "who comes unasked is a member";
    given::<Account>([]).when(open(Role::Admin), &context()).refused(&Refusal::Forbidden { rule });
}

#[test]
fn the_last_letter_changes_the_password_once() {
    let by = PasswordChange::Reset { reset: NEW };
    let history = [registered(), reset_requested(OLD), reset_requested(NEW)];
    given::<Account>(history.clone()).when(change(by), &context()).then([changed(by).into()]);
    let rule = "the letter must be the last one, and unused";
    given::<Account>(history.clone())
        .when(change(PasswordChange::Reset { reset: OLD }), &context())
        .refused(&Refusal::Forbidden { rule });
    let used = history.into_iter().chain([changed(by).into()]);
    given::<Account>(used).when(change(by), &context()).refused(&Refusal::Forbidden { rule });
}

#[test]
fn a_letter_is_void_when_the_password_has_changed_otherwise_or_the_user_was_disabled() {
    let by = PasswordChange::Reset { reset: OLD };
    let rule = "the letter must be the last one, and unused";
    for event in [changed(PasswordChange::Owner).into(), UserDisabled {}.into()] {
        let history = [registered(), reset_requested(OLD), event, UserEnabled {}.into()];
        given::<Account>(history)
            .when(change(by), &context())
            .refused(&Refusal::Forbidden { rule });
    }
}

/// Must never: an account is won back, and a token that an intruder made stays good.
#[test]
fn a_password_that_its_owner_did_not_change_ends_tokens() {
    let granted = |token| TokenGranted { token, scope: TokenScope::Write, expires_at: None }.into();
    let revoked = |token| TokenRevoked { token }.into();
    let gone: Uuid = Uuid::from_u128(3);
    let history = [
        registered(),
        reset_requested(OLD),
        granted(OLD),
        granted(NEW),
        granted(gone),
        revoked(gone),
    ];
    for by in [PasswordChange::Admin, PasswordChange::Reset { reset: OLD }] {
        given::<Account>(history.clone()).when(change(by), &context()).then([
            changed(by).into(),
            revoked(OLD),
            revoked(NEW),
        ]);
    }
    let by = PasswordChange::Owner;
    given::<Account>(history).when(change(by), &context()).then([changed(by).into()]);
}

#[test]
fn what_was_proved_before_the_password_changed_starts_no_session() {
    let start = |seen| AccountCommand::StartSession { session: NEW, seen };
    let started: AccountEvent = SessionStarted { session: NEW }.into();
    let rule = "what was shown has changed in the meantime: sign in again";
    let everywhere = SessionsEnded { why: SessionEnd::Revoked };
    for event in [changed(PasswordChange::Admin).into(), everywhere.into()] {
        let history = [registered(), event];
        given::<Account>(history.clone())
            .when(start(1), &context())
            .refused(&Refusal::Forbidden { rule });
        given::<Account>(history).when(start(2), &context()).then([started.clone()]);
    }
}

#[test]
fn who_is_disabled_comes_in_by_no_door() {
    let history = [registered(), UserDisabled {}.into()];
    let commands = [
        AccountCommand::StartSession { session: NEW, seen: 9 },
        AccountCommand::RequestPasswordReset { reset: NEW },
        AccountCommand::GrantToken { token: NEW, scope: TokenScope::Read, expires_at: None },
        change(PasswordChange::Owner),
    ];
    for command in commands {
        given::<Account>(history.clone()).when(command, &context()).refused(&DISABLED);
    }
    given::<Account>(history.clone()).when(AccountCommand::DisableUser, &context()).then([]);
    let enabled = UserEnabled {}.into();
    given::<Account>(history).when(AccountCommand::EnableUser, &context()).then([enabled]);
}

#[test]
fn what_is_so_already_is_not_written_again() {
    let same = AccountCommand::ChangeRole { role: Role::Member };
    given::<Account>([registered()]).when(same, &context()).then([]);
    given::<Account>([registered()]).when(AccountCommand::EnableUser, &context()).then([]);
    let unknown = AccountCommand::RevokeToken { token: NEW };
    given::<Account>([registered()]).when(unknown, &context()).then([]);
}

#[test]
fn one_has_so_many_tokens_and_no_more_and_none_of_yesterday() {
    let scope = TokenScope::Write;
    let grant = |token, expires_at| AccountCommand::GrantToken { token, scope, expires_at };
    let granted = |token| TokenGranted { token, scope, expires_at: None }.into();
    let full: Vec<AccountEvent> = std::iter::once(registered())
        .chain((0..TOKENS_MAX).map(|it| granted(Uuid::from_u128(it as u128 + 10))))
        .collect();
    given::<Account>(full.clone())
        .when(grant(NEW, None), &context())
        .refused(&Refusal::invalid("input", format!("at most {TOKENS_MAX} tokens at a time")));
    let revoked = TokenRevoked { token: Uuid::from_u128(10) }.into();
    given::<Account>(full.into_iter().chain([revoked]))
        .when(grant(NEW, None), &context())
        .then([granted(NEW)]);
    given::<Account>([registered()])
        .when(grant(NEW, Some(context().now)), &context())
        .refused(&Refusal::invalid("expiresAt", "in the future"));
}

#[test]
fn nobody_is_told_anything_about_an_account_that_nobody_has() {
    for command in [
        AccountCommand::DisableUser,
        AccountCommand::TransferOwnership { to: UserId(NEW) },
        change(PasswordChange::Admin),
    ] {
        given::<Account>([]).when(command, &context()).refused(&NO_SUCH_USER);
        given::<Account>([invited(NEW)]).when(command, &context()).refused(&NO_SUCH_USER);
    }
}
