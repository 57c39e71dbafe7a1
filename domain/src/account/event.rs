//! What is written down about an account, for good. Ids only: no e-mail, no
//! name, no hash, no address.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Timestamp, UserId, actor::Role, event_type::event_types};

event_types! {
    /// Something that happened to an account.
    AccountEvent {
        UserInvited,
        UserRegistered,
        RoleChanged,
        UserDisabled,
        UserEnabled,
        PasswordChanged,
        PasswordResetRequested,
        SessionStarted,
        SessionEnded,
        SessionsEnded,
        TokenGranted,
        TokenRevoked,
        OwnershipTransferred,
    }
}

/// Somebody was asked to join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInvited {
    /// Which letter says so.
    pub invitation: Uuid,
    /// What they will be trusted with.
    pub role: Role,
}

/// Somebody has an account from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRegistered {
    /// What they are trusted with.
    pub role: Role,
    /// How they came.
    pub by: Registration,
}

/// How somebody came to have an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// The first administrator, made at a start.
    First,
    /// An administrator made it for them.
    Admin,
    /// They made it themselves.
    Open,
    /// They were invited.
    Invitation {
        /// By which letter.
        invitation: Uuid,
        /// Which password was chosen; not what it is.
        password: Uuid,
    },
    /// It was there before accounts had events.
    Migration,
}

/// They are trusted with something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleChanged {
    /// With what.
    pub role: Role,
}

/// They come in no more: all sessions are over, all tokens asleep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDisabled {}

/// They may come in again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserEnabled {}

/// They have another password. All sessions are over, but one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordChanged {
    /// Which password; not what it is.
    pub password: Uuid,
    /// Why it may be changed.
    pub by: PasswordChange,
    /// The session that goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Uuid>,
}

/// Why a password may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordChange {
    /// Its owner has shown the old one.
    Owner,
    /// Its owner has shown what was in a letter.
    Reset {
        /// Which letter.
        reset: Uuid,
    },
    /// An administrator says so.
    Admin,
}

/// Somebody says that they have forgotten the password. A letter will be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordResetRequested {
    /// Which letter.
    pub reset: Uuid,
}

/// They have signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStarted {
    /// Which session it is.
    pub session: Uuid,
}

/// One session is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnded {
    /// Which.
    pub session: Uuid,
    /// Why.
    pub why: SessionEnd,
}

/// All sessions are over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsEnded {
    /// Why.
    pub why: SessionEnd,
}

/// Why a session is over before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// By its own device.
    SignedOut,
    /// By another device of its owner, or by an administrator.
    Revoked,
    /// A refresh token was used twice, so that one of two is a thief.
    TokenReused,
}

/// A token of their own was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenGranted {
    /// Which; not what it is.
    pub token: Uuid,
    /// What it is good for.
    pub scope: TokenScope,
    /// Until when it is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// What a personal token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenScope {
    /// To look at what its owner sees.
    Read,
    /// Also to do what its owner may do with jobs.
    Write,
}

/// A token of theirs is good no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRevoked {
    /// Which.
    pub token: Uuid,
}

/// All that they own belongs to somebody else from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnershipTransferred {
    /// To whom.
    pub to: UserId,
}
