//! The life of an account: who came how, what they are trusted with, when they
//! signed in and out.
//!
//! ```text
//!   invite ──▶ INVITED ──register──▶ ACTIVE ◀──enable── DISABLED
//!                          ▲            └────disable────────▲
//!   register ──────────────┘
//! ```
//!
//! Who somebody is, and how they prove it, stands in `identity`. What needs to
//! know all accounts is decided there too: that an e-mail is one user's, and
//! that one administrator remains.

mod command;
mod event;

pub use command::AccountCommand;
pub use event::{
    AccountEvent, OwnershipTransferred, PasswordChange, PasswordChanged, PasswordResetRequested,
    Registration, RoleChanged, SessionEnd, SessionEnded, SessionStarted, SessionsEnded,
    TokenGranted, TokenRevoked, TokenScope, UserDisabled, UserEnabled, UserInvited, UserRegistered,
};

use std::{collections::BTreeSet, iter};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Context, Decider, Refusal, Timestamp, actor::Role, decode::Event};

/// How many tokens one may have at a time.
pub const TOKENS_MAX: usize = 50;

/// An account, as the events so far have left it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Account {
    /// Nobody has it yet.
    #[default]
    Absent,
    /// Somebody was asked to join.
    Invited {
        /// By which letter; the last one counts.
        invitation: Uuid,
        /// What they will be trusted with.
        role: Role,
    },
    /// Somebody has it.
    Present(Box<Present>),
}

/// An account that somebody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// What they are trusted with.
    pub role: Role,
    /// Whether they come in no more.
    pub disabled: bool,
    /// The letter that a password may be changed by; it is good once.
    reset: Option<Uuid>,
    /// The version since which older proofs of who one is count no more.
    secured_at: u64,
    /// The tokens that are not revoked.
    tokens: BTreeSet<Uuid>,
}

impl Decider for Account {
    const CATEGORY: &'static str = "account";
    type Command = AccountCommand;
    type Event = AccountEvent;

    fn decide(
        &self,
        command: AccountCommand,
        context: &Context,
    ) -> Result<Vec<AccountEvent>, Refusal> {
        match (self, command) {
            (
                Self::Absent | Self::Invited { .. },
                AccountCommand::InviteUser { invitation, role },
            ) => Ok(vec![UserInvited { invitation, role }.into()]),
            (Self::Absent, AccountCommand::RegisterUser { role, by }) => match by {
                Registration::Invitation { .. } => Err(NO_SUCH_USER),
                Registration::Open if role != Role::Member => {
                    Err(Refusal::Forbidden { rule: "who comes unasked is a member" })
                }
                Registration::First
                | Registration::Admin
                | Registration::Open
                | Registration::Migration => Ok(vec![UserRegistered { role, by }.into()]),
            },
            (Self::Invited { invitation, role }, AccountCommand::RegisterUser { by, .. }) => {
                let invited = matches!(by, Registration::Invitation { invitation: it, .. }
                    if it == *invitation);
                let rule = "the invitation must be the last one, and unused";
                if !invited {
                    return Err(Refusal::Forbidden { rule });
                }
                Ok(vec![UserRegistered { role: *role, by }.into()])
            }
            (Self::Absent | Self::Invited { .. }, _) => Err(NO_SUCH_USER),
            (Self::Present(present), command) => present.decide(command, context.now),
        }
    }

    fn own(event: Event) -> Option<AccountEvent> {
        if let Event::Account(event) = event { Some(event) } else { None }
    }

    fn evolve(&mut self, event: &AccountEvent, version: u64) {
        match (&mut *self, event) {
            (Self::Present(present), event) => present.evolve(event, version),
            (Self::Absent | Self::Invited { .. }, AccountEvent::UserInvited(it)) => {
                *self = Self::Invited { invitation: it.invitation, role: it.role };
            }
            (Self::Absent | Self::Invited { .. }, AccountEvent::UserRegistered(it)) => {
                *self = Self::Present(Box::new(Present {
                    role: it.role,
                    disabled: false,
                    reset: None,
                    secured_at: 0,
                    tokens: BTreeSet::new(),
                }));
            }
            (Self::Absent | Self::Invited { .. }, _) => {}
        }
    }

    fn weight(&self) -> usize {
        // Tokens are few.
        if let Self::Present(_) = self {
            size_of::<Present>() + TOKENS_MAX * size_of::<Uuid>()
        } else {
            0
        }
    }
}

const NO_SUCH_USER: Refusal = Refusal::NotFound { what: "user" };
const DISABLED: Refusal = Refusal::Forbidden { rule: "the account is disabled" };

impl Present {
    fn decide(
        &self,
        command: AccountCommand,
        now: Timestamp,
    ) -> Result<Vec<AccountEvent>, Refusal> {
        match command {
            AccountCommand::InviteUser { .. } | AccountCommand::RegisterUser { .. } => {
                Err(Refusal::AlreadyExists)
            }
            AccountCommand::ChangeRole { role } if role == self.role => Ok(Vec::new()),
            AccountCommand::ChangeRole { role } => Ok(vec![RoleChanged { role }.into()]),
            AccountCommand::DisableUser if self.disabled => Ok(Vec::new()),
            AccountCommand::DisableUser => Ok(vec![UserDisabled {}.into()]),
            AccountCommand::EnableUser if !self.disabled => Ok(Vec::new()),
            AccountCommand::EnableUser => Ok(vec![UserEnabled {}.into()]),
            AccountCommand::ChangePassword { password, by, kept } => {
                self.change_password(PasswordChanged { password, by, kept })
            }
            AccountCommand::RequestPasswordReset { .. }
            | AccountCommand::StartSession { .. }
            | AccountCommand::GrantToken { .. }
                if self.disabled =>
            {
                Err(DISABLED)
            }
            AccountCommand::RequestPasswordReset { reset } => {
                Ok(vec![PasswordResetRequested { reset }.into()])
            }
            AccountCommand::StartSession { session, seen } => {
                if seen < self.secured_at {
                    let rule = "what was shown has changed in the meantime: sign in again";
                    return Err(Refusal::Forbidden { rule });
                }
                Ok(vec![SessionStarted { session }.into()])
            }
            AccountCommand::EndSession { session, why } => {
                Ok(vec![SessionEnded { session, why }.into()])
            }
            AccountCommand::EndSessions { why } => Ok(vec![SessionsEnded { why }.into()]),
            AccountCommand::GrantToken { token, scope, expires_at } => {
                self.grant(TokenGranted { token, scope, expires_at }, now)
            }
            AccountCommand::RevokeToken { token } if self.tokens.contains(&token) => {
                Ok(vec![TokenRevoked { token }.into()])
            }
            AccountCommand::RevokeToken { .. } => Ok(Vec::new()),
            AccountCommand::TransferOwnership { to } => {
                Ok(vec![OwnershipTransferred { to }.into()])
            }
        }
    }

    /// A letter is good once, and only the last one.
    fn change_password(&self, change: PasswordChanged) -> Result<Vec<AccountEvent>, Refusal> {
        match change.by {
            PasswordChange::Owner | PasswordChange::Reset { .. } if self.disabled => {
                return Err(DISABLED);
            }
            PasswordChange::Reset { reset } if self.reset != Some(reset) => {
                let rule = "the letter must be the last one, and unused";
                return Err(Refusal::Forbidden { rule });
            }
            PasswordChange::Admin | PasswordChange::Owner | PasswordChange::Reset { .. } => {}
        }
        // Its owner knew the old one and has lost nothing. Whoever has it chosen otherwise may have
        // lost all, and what somebody else made of it ends.
        let lost = match change.by {
            PasswordChange::Owner => None,
            PasswordChange::Admin | PasswordChange::Reset { .. } => Some(&self.tokens),
        };
        let revoked = lost.into_iter().flatten().map(|it| TokenRevoked { token: *it }.into());
        Ok(iter::once(change.into()).chain(revoked).collect())
    }

    fn grant(&self, token: TokenGranted, now: Timestamp) -> Result<Vec<AccountEvent>, Refusal> {
        if token.expires_at.is_some_and(|at| at <= now) {
            return Err(Refusal::invalid("expiresAt", "in the future"));
        }
        if TOKENS_MAX <= self.tokens.len() {
            return Err(Refusal::invalid(
                "input",
                format!("at most {TOKENS_MAX} tokens at a time"),
            ));
        }
        Ok(vec![token.into()])
    }

    fn evolve(&mut self, event: &AccountEvent, version: u64) {
        match event {
            AccountEvent::UserInvited(_)
            | AccountEvent::UserRegistered(_)
            | AccountEvent::SessionStarted(_)
            | AccountEvent::SessionEnded(_)
            | AccountEvent::OwnershipTransferred(_) => {}
            AccountEvent::RoleChanged(it) => self.role = it.role,
            AccountEvent::UserDisabled(_) => {
                self.disabled = true;
                self.reset = None;
                self.secured_at = version;
            }
            AccountEvent::UserEnabled(_) => self.disabled = false,
            AccountEvent::PasswordChanged(_) => {
                self.reset = None;
                self.secured_at = version;
            }
            AccountEvent::PasswordResetRequested(it) => self.reset = Some(it.reset),
            AccountEvent::SessionsEnded(_) => self.secured_at = version,
            AccountEvent::TokenGranted(it) => {
                self.tokens.insert(it.token);
            }
            AccountEvent::TokenRevoked(it) => {
                self.tokens.remove(&it.token);
            }
        }
    }
}

#[cfg(test)]
mod tests;
