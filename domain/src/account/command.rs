//! What one may ask of an account.

use uuid::Uuid;

use super::{PasswordChange, Registration, SessionEnd, TokenScope};
use crate::{Refusal, Timestamp, UserId, actor::Role};

/// What one may ask of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountCommand {
    /// Ask somebody to join; again, if they have not come yet.
    InviteUser {
        /// Which letter says so.
        invitation: Uuid,
        /// What they will be trusted with.
        role: Role,
    },
    /// Let somebody have the account.
    RegisterUser {
        /// What they are trusted with; what the invitation says, if there is one.
        role: Role,
        /// How they came.
        by: Registration,
    },
    /// Trust them with something else.
    ChangeRole {
        /// With what.
        role: Role,
    },
    /// Let them in no more.
    DisableUser,
    /// Let them in again.
    EnableUser,
    /// Have another password.
    ChangePassword {
        /// Which; not what it is.
        password: Uuid,
        /// Why that may be.
        by: PasswordChange,
        /// The session that goes on.
        kept: Option<Uuid>,
    },
    /// Have a letter sent by which the password can be changed.
    RequestPasswordReset {
        /// Which letter.
        reset: Uuid,
    },
    /// Sign in.
    StartSession {
        /// Which session it will be.
        session: Uuid,
        /// The version of the account at which the password was right.
        seen: u64,
    },
    /// End one session.
    EndSession {
        /// Which.
        session: Uuid,
        /// Why.
        why: SessionEnd,
    },
    /// End all sessions.
    EndSessions {
        /// Why.
        why: SessionEnd,
    },
    /// Have a token of one's own.
    GrantToken {
        /// Which; not what it is.
        token: Uuid,
        /// What it is good for.
        scope: TokenScope,
        /// Until when.
        expires_at: Option<Timestamp>,
    },
    /// Let a token be good no more.
    RevokeToken {
        /// Which.
        token: Uuid,
    },
    /// Give all that they own by then to somebody else: jobs, lands, files.
    /// What they come to own later is theirs.
    TransferOwnership {
        /// To whom.
        to: UserId,
    },
}

impl AccountCommand {
    /// Refuses what cannot be asked of the account of `user`, whatever has
    /// become of it.
    pub fn check(&self, user: UserId) -> Result<(), Refusal> {
        if let Self::TransferOwnership { to } = self
            && *to == user
        {
            return Err(Refusal::invalid("to", "somebody else than whose it is"));
        }
        Ok(())
    }

    /// The name that it is authorised, counted and logged under.
    pub fn name(&self) -> &'static str {
        match self {
            Self::InviteUser { .. } => "InviteUser",
            Self::RegisterUser { .. } => "RegisterUser",
            Self::ChangeRole { .. } => "ChangeRole",
            Self::DisableUser => "DisableUser",
            Self::EnableUser => "EnableUser",
            Self::ChangePassword { .. } => "ChangePassword",
            Self::RequestPasswordReset { .. } => "RequestPasswordReset",
            Self::StartSession { .. } => "StartSession",
            Self::EndSession { .. } => "EndSession",
            Self::EndSessions { .. } => "EndSessions",
            Self::GrantToken { .. } => "GrantToken",
            Self::RevokeToken { .. } => "RevokeToken",
            Self::TransferOwnership { .. } => "TransferOwnership",
        }
    }
}
