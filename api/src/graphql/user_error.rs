//! Why a mutation changed nothing, as data: what is wrong with what was asked, not with the request
//! or the server.

use async_graphql::{Enum, SimpleObject};
use domain::Refusal;

use super::scalar::DateTime;

/// Why a mutation changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub(super) struct UserError {
    /// For programs.
    code: UserErrorCode,
    /// For people: the rule that was broken.
    message: String,
    /// Which part of the arguments is at fault, such as `["input", "body", "pages", "0"]`; null if
    /// none is alone.
    path: Option<Vec<String>>,
    /// From when on the same may be asked again; null if no time changes the answer.
    retry_at: Option<DateTime>,
}

/// What programs know the reason by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum UserErrorCode {
    /// There is none, or none that you may know of.
    NotFound,
    /// The id is taken.
    AlreadyExists,
    /// The job is over, and stays as it is.
    JobEnded,
    /// The job is not over yet.
    JobNotEnded,
    /// A worker holds the job.
    AlreadyLeased,
    /// The job waits for its time.
    TooEarly,
    /// The job's time has passed.
    TooLate,
    /// The lease is over.
    StaleFence,
    /// The lease was settled in another way.
    AlreadySettled,
    /// The job is paused.
    JobPaused,
    /// Nobody asked for the job to be cancelled.
    CancelNotRequested,
    /// The job is of another kind.
    WrongKind,
    /// Your role does not allow it.
    Forbidden,
    /// There is no service of this name.
    UnknownService,
    /// A part of the input breaks a rule.
    Invalid,
    /// The client has as many jobs as it may.
    QuotaExceeded,
    /// The idempotency key came with another input before.
    KeyReused,
    /// Nobody has this e-mail and this password.
    InvalidCredentials,
    /// Too many attempts; see `retryAt`.
    Throttled,
    /// This user may not sign in any more.
    UserDisabled,
    /// This is no token of ours, or it is used up.
    TokenInvalid,
    /// The token has expired.
    TokenExpired,
    /// The refresh token was used before, and its session has been ended: sign in again.
    TokenReused,
    /// The token was revoked: sign in again.
    TokenRevoked,
    /// The session has been ended: sign in again.
    SessionEnded,
    /// This is no e-mail.
    EmailInvalid,
    /// Another user has this e-mail.
    EmailTaken,
    /// A password has at least 10 characters.
    PasswordTooShort,
    /// A password has at most 1024 bytes.
    PasswordTooLong,
    /// The password of now is another.
    PasswordWrong,
    /// One administrator must remain.
    LastAdmin,
    /// Nobody may register here unasked.
    RegistrationClosed,
}

impl From<&Refusal> for UserError {
    fn from(refusal: &Refusal) -> Self {
        let retry_at =
            if let Refusal::QuotaExceeded(it) = refusal { it.until.map(DateTime) } else { None };
        Self { code: code(refusal), message: refusal.to_string(), path: path(refusal), retry_at }
    }
}

impl UserError {
    /// The same, about another part of the input, if something is not there.
    pub(super) fn about_missing(self, field: &str) -> Self {
        if self.code == UserErrorCode::NotFound { self.about(field) } else { self }
    }

    /// The same, about another part of the input.
    pub(super) fn about(self, field: &str) -> Self {
        Self { path: Some(inside(field)), ..self }
    }
}

fn code(refusal: &Refusal) -> UserErrorCode {
    match refusal {
        Refusal::NotFound { .. } => UserErrorCode::NotFound,
        Refusal::AlreadyExists => UserErrorCode::AlreadyExists,
        Refusal::Ended { .. } => UserErrorCode::JobEnded,
        Refusal::NotEnded { .. } => UserErrorCode::JobNotEnded,
        Refusal::AlreadyLeased => UserErrorCode::AlreadyLeased,
        Refusal::TooEarly => UserErrorCode::TooEarly,
        Refusal::TooLate => UserErrorCode::TooLate,
        Refusal::StaleFence { .. } => UserErrorCode::StaleFence,
        Refusal::AlreadySettled { .. } => UserErrorCode::AlreadySettled,
        Refusal::Paused => UserErrorCode::JobPaused,
        Refusal::CancelNotRequested => UserErrorCode::CancelNotRequested,
        Refusal::WrongKind { .. } => UserErrorCode::WrongKind,
        Refusal::Forbidden { .. } => UserErrorCode::Forbidden,
        Refusal::UnknownService { .. } => UserErrorCode::UnknownService,
        Refusal::Invalid { .. } => UserErrorCode::Invalid,
        Refusal::QuotaExceeded(_) => UserErrorCode::QuotaExceeded,
        Refusal::KeyReused => UserErrorCode::KeyReused,
    }
}

/// A field is a JSON pointer into the input. What is about the job as a whole is about its id.
fn path(refusal: &Refusal) -> Option<Vec<String>> {
    if let Some(field) = refusal.field() {
        return Some(inside(field));
    }
    let about_the_job = matches!(
        refusal,
        Refusal::NotFound { .. } | Refusal::Ended { .. } | Refusal::NotEnded { .. }
    );
    about_the_job.then(|| inside("id"))
}

fn inside(field: &str) -> Vec<String> {
    let field = Some(field).filter(|it| *it != "input");
    let parts = field.into_iter().flat_map(|it| it.split('/'));
    let parts = parts.map(|it| it.replace("~1", "/").replace("~0", "~"));
    std::iter::once("input".to_owned()).chain(parts).collect()
}

/// Why somebody was not let in, or an account stays as it is.
impl From<&identity::Refusal> for UserError {
    fn from(refusal: &identity::Refusal) -> Self {
        let path = refusal.field().map(inside);
        let throttled = if let identity::Refusal::Throttled { until } = refusal {
            Some(DateTime(*until))
        } else {
            None
        };
        Self { code: code_of(refusal), message: refusal.to_string(), path, retry_at: throttled }
    }
}

impl UserError {
    /// The same, about a token of the input, if it is about a token at all.
    pub(super) fn of_token(self, field: &str) -> Self {
        let of_a_token = matches!(
            self.code,
            UserErrorCode::TokenInvalid | UserErrorCode::TokenExpired | UserErrorCode::TokenReused
        );
        if of_a_token { Self { path: Some(inside(field)), ..self } } else { self }
    }
}

fn code_of(refusal: &identity::Refusal) -> UserErrorCode {
    use identity::Refusal as R;
    match refusal {
        R::InvalidCredentials | R::ClientInvalid => UserErrorCode::InvalidCredentials,
        R::EmailInvalid => UserErrorCode::EmailInvalid,
        R::Throttled { .. } => UserErrorCode::Throttled,
        R::UserDisabled => UserErrorCode::UserDisabled,
        R::TokenInvalid => UserErrorCode::TokenInvalid,
        R::TokenExpired => UserErrorCode::TokenExpired,
        R::TokenReused => UserErrorCode::TokenReused,
        R::TokenRevoked => UserErrorCode::TokenRevoked,
        R::SessionEnded => UserErrorCode::SessionEnded,
        R::EmailTaken => UserErrorCode::EmailTaken,
        R::PasswordTooShort => UserErrorCode::PasswordTooShort,
        R::PasswordTooLong => UserErrorCode::PasswordTooLong,
        R::PasswordWrong => UserErrorCode::PasswordWrong,
        R::LastAdmin => UserErrorCode::LastAdmin,
        R::RegistrationClosed => UserErrorCode::RegistrationClosed,
        R::NameInvalid | R::ServicesMissing | R::ServiceNameInvalid { .. } | R::RecipientUnfit => {
            UserErrorCode::Invalid
        }
        R::UserNotFound
        | R::WorkerTokenNotFound
        | R::SessionNotFound
        | R::TokenNotFound
        | R::ClientNotFound => UserErrorCode::NotFound,
        R::NotRecorded { code, .. } => match *code {
            "NOT_FOUND" => UserErrorCode::NotFound,
            "ALREADY_EXISTS" => UserErrorCode::AlreadyExists,
            "INVALID" => UserErrorCode::Invalid,
            _ => UserErrorCode::Forbidden,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_a_path_into_the_input() {
        let error = UserError::from(&Refusal::invalid("body/a~1b/0/c~0d", "a number"));
        assert_eq!(error.path.unwrap(), ["input", "body", "a/b", "0", "c~d"]);
        let error = UserError::from(&Refusal::invalid("input", "smaller"));
        assert_eq!(error.path.unwrap(), ["input"]);
    }

    #[test]
    fn codes_are_those_of_the_domain() {
        let refusals = [
            Refusal::NotFound { what: "job" },
            Refusal::invalid("a", "b"),
            Refusal::KeyReused,
            Refusal::UnknownService { name: "x".to_owned() },
            Refusal::Forbidden { rule: "no" },
        ];
        for refusal in refusals {
            let shown = async_graphql::Value::from(UserError::from(&refusal).code);
            assert_eq!(shown, async_graphql::Value::Enum(async_graphql::Name::new(refusal.code())));
        }
    }
}
