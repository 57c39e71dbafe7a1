//! What can go wrong, by what one does about it.

use chrono::{DateTime, Utc};

use crate::password::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};

/// What can go wrong, by what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Tell whoever asked.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Others write to the same account all the time, and nothing was done: try
    /// again.
    #[error("too many writers at once")]
    Contended,
    /// The database or the ledger is out of reach, and what was asked may or may
    /// not have been done: wait, try again.
    #[error("the identity tables or the ledger are out of reach")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something is as it must never be: call a human.
    #[error("the identity tables or their keys are damaged")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl IdentityError {
    pub(crate) fn broken(
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> IdentityError {
        IdentityError::Broken(source.into())
    }
}

impl From<sqlx::Error> for IdentityError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Protocol, Tls, WorkerCrashed};
        // Connection lost, a standby that may not write, deadlock, out of
        // resources, not let in, shutting down, trouble with the machine.
        const PASSING: [&str; 7] = ["08", "25006", "40", "53", "55", "57", "58"];
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        let passes = match code {
            Some(code) => PASSING.iter().any(|class| code.starts_with(class)),
            None => matches!(
                error,
                Io(_) | Tls(_) | Protocol(_) | PoolTimedOut | PoolClosed | WorkerCrashed
            ),
        };
        if passes { IdentityError::Unavailable(error.into()) } else { IdentityError::broken(error) }
    }
}

/// Why somebody was turned down. The message is the rule, in words for them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Says the same whether nobody has that e-mail or the password is another.
    #[error("no user has this e-mail and this password")]
    InvalidCredentials,
    #[error("too many failed sign-ins; try again after {}", .until.format("%Y-%m-%dT%H:%M:%SZ"))]
    Throttled { until: DateTime<Utc> },
    /// Told only to who has proved to be that user.
    #[error("this user has been disabled")]
    UserDisabled,
    #[error("the token is not one of ours, or of another kind")]
    TokenInvalid,
    #[error("the token has expired")]
    TokenExpired,
    #[error("the refresh token was used before, so its session has been ended; sign in again")]
    TokenReused,
    #[error("the token has been revoked")]
    TokenRevoked,
    #[error("the session has been ended; sign in again")]
    SessionEnded,
    #[error("an e-mail is 3 to 254 ASCII characters: a name, one `@`, a host, and no spaces")]
    EmailInvalid,
    #[error("another user has this e-mail")]
    EmailTaken,
    #[error("a password has at least {PASSWORD_CHARS_MIN} characters")]
    PasswordTooShort,
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    PasswordTooLong,
    #[error("no user has this id")]
    UserNotFound,
    #[error("there must remain one admin who is not disabled")]
    LastAdmin,
    #[error("a name has 1 to 100 characters, not all of them spaces")]
    NameInvalid,
    #[error("at least one service is named, or it is said that it is for all")]
    ServicesMissing,
    #[error("`{name}` is not the name of a service: 1 to 100 characters, no `*`, no spaces")]
    ServiceNameInvalid { name: String },
    #[error("no worker token has this id")]
    WorkerTokenNotFound,
    #[error("nobody may register here unasked")]
    RegistrationClosed,
    #[error("there is no such session of yours, or it is over")]
    SessionNotFound,
    #[error("there is no such token of yours")]
    TokenNotFound,
    #[error("no client has this id")]
    ClientNotFound,
    #[error("no client has this id and this secret")]
    ClientInvalid,
    #[error("the password is another")]
    PasswordWrong,
    #[error("must be somebody who has an account that is not disabled")]
    RecipientUnfit,
    /// The ledger says no, in its own words.
    #[error("{message}")]
    NotRecorded { code: &'static str, field: Option<String>, message: String },
}

impl Refusal {
    /// The name that programs branch on. Public: it never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::InvalidCredentials => "INVALID_CREDENTIALS",
            Refusal::Throttled { .. } => "THROTTLED",
            Refusal::UserDisabled => "USER_DISABLED",
            Refusal::TokenInvalid => "TOKEN_INVALID",
            Refusal::TokenExpired => "TOKEN_EXPIRED",
            Refusal::TokenReused => "TOKEN_REUSED",
            Refusal::TokenRevoked => "TOKEN_REVOKED",
            Refusal::SessionEnded => "SESSION_ENDED",
            Refusal::EmailInvalid => "EMAIL_INVALID",
            Refusal::EmailTaken => "EMAIL_TAKEN",
            Refusal::PasswordTooShort => "PASSWORD_TOO_SHORT",
            Refusal::PasswordTooLong => "PASSWORD_TOO_LONG",
            Refusal::UserNotFound => "USER_NOT_FOUND",
            Refusal::LastAdmin => "LAST_ADMIN",
            Refusal::NameInvalid => "NAME_INVALID",
            Refusal::ServicesMissing => "SERVICES_MISSING",
            Refusal::ServiceNameInvalid { .. } => "SERVICE_NAME_INVALID",
            Refusal::WorkerTokenNotFound => "WORKER_TOKEN_NOT_FOUND",
            Refusal::RegistrationClosed => "REGISTRATION_CLOSED",
            Refusal::SessionNotFound => "SESSION_NOT_FOUND",
            Refusal::TokenNotFound => "TOKEN_NOT_FOUND",
            Refusal::ClientNotFound => "CLIENT_NOT_FOUND",
            Refusal::ClientInvalid => "CLIENT_INVALID",
            Refusal::PasswordWrong => "PASSWORD_WRONG",
            Refusal::RecipientUnfit => "RECIPIENT_UNFIT",
            Refusal::NotRecorded { code, .. } => code,
        }
    }

    /// The input that broke the rule, where it was one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Refusal::EmailInvalid | Refusal::EmailTaken => Some("email"),
            Refusal::PasswordTooShort | Refusal::PasswordTooLong => Some("password"),
            Refusal::TokenReused => Some("refreshToken"),
            Refusal::UserNotFound
            | Refusal::LastAdmin
            | Refusal::WorkerTokenNotFound
            | Refusal::SessionNotFound
            | Refusal::TokenNotFound
            | Refusal::ClientNotFound => Some("id"),
            Refusal::PasswordWrong => Some("currentPassword"),
            Refusal::RecipientUnfit => Some("to"),
            Refusal::NotRecorded { field, .. } => field.as_deref(),
            Refusal::NameInvalid => Some("name"),
            Refusal::ServicesMissing | Refusal::ServiceNameInvalid { .. } => Some("services"),
            Refusal::InvalidCredentials
            | Refusal::Throttled { .. }
            | Refusal::UserDisabled
            | Refusal::TokenInvalid
            | Refusal::TokenExpired
            | Refusal::TokenRevoked
            | Refusal::RegistrationClosed
            | Refusal::ClientInvalid
            | Refusal::SessionEnded => None,
        }
    }
}
