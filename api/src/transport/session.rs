//! Who is asking, and until when that holds.
//!
//! How a token is checked is not known here: whoever builds the service brings an [`Authenticate`].

use std::{
    any::{Any, TypeId},
    fmt,
    sync::Arc,
};

use async_graphql::Data;
use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::fault::{Code, Fault, Faults, internal};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Tells who bears a token; nobody in particular if there is none.
pub type Authenticate =
    Arc<dyn Fn(Option<Bearer>) -> BoxFuture<'static, Result<Session, Denied>> + Send + Sync>;

/// A caller, as the resolvers will see it.
#[derive(Clone)]
pub struct Session {
    pub(super) subject: Option<String>,
    pub(super) expires_at: Option<DateTime<Utc>>,
    pub(super) data: Arc<Data>,
    /// Cancelled when what the caller came in by has ended.
    pub(super) ended: Option<Arc<CancellationToken>>,
}

impl Session {
    /// A caller without a token. Resolvers find `viewer` in their context, and decide what it may.
    pub fn anonymous(viewer: impl Any + Send + Sync) -> Self {
        Self { subject: None, expires_at: None, data: with(viewer), ended: None }
    }

    /// A caller known as `subject`, until `expires_at`. Resolvers find `viewer` in their context.
    pub fn signed_in(
        subject: impl Into<String>,
        expires_at: Option<DateTime<Utc>>,
        viewer: impl Any + Send + Sync,
    ) -> Self {
        Self { subject: Some(subject.into()), expires_at, data: with(viewer), ended: None }
    }

    /// The same, for no longer than until `ended` is cancelled.
    #[must_use]
    pub fn until(self, ended: Arc<CancellationToken>) -> Self {
        Self { ended: Some(ended), ..self }
    }

    /// What it was made with.
    pub(crate) fn viewer<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.data.get(&TypeId::of::<T>())?.downcast_ref()
    }

    pub(super) fn is_signed_in(&self) -> bool {
        self.subject.is_some()
    }
}

fn with(viewer: impl Any + Send + Sync) -> Arc<Data> {
    let mut data = Data::default();
    data.insert(viewer);
    Arc::new(data)
}

/// What a client claims to be let in with; nobody has looked at it yet.
#[derive(Clone)]
pub struct Bearer(String);

impl Bearer {
    /// The token, as it was sent.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Reads `Bearer <token>`.
    pub(super) fn parse(credentials: &str) -> Result<Self, Denied> {
        let (scheme, token) = credentials.trim().split_once(' ').ok_or(Denied::Malformed)?;
        let token = token.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return Err(Denied::Malformed);
        }
        Ok(Self(token.to_owned()))
    }

    /// Reads the `Authorization` header, if there is one.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, Denied> {
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
        value.to_str().map_err(|_| Denied::Malformed).and_then(Self::parse).map(Some)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(…)")
    }
}

/// Why a token does not let in.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// It is no access token at all.
    #[error("the token is not an access token of this server")]
    Malformed,
    /// It was one.
    #[error("the token has expired")]
    Expired,
    /// It would still be one, had its session or its user not been ended.
    #[error("the token was revoked")]
    Revoked,
    /// Nobody can tell just now.
    #[error("tokens cannot be checked")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Denied {
    /// Tells clients apart what to do: sign in, or refresh.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "TOKEN_MALFORMED",
            Self::Expired => "TOKEN_EXPIRED",
            Self::Revoked => "TOKEN_REVOKED",
            Self::Broken(_) => "TOKEN_UNCHECKED",
        }
    }
}

impl From<Denied> for Faults {
    fn from(denied: Denied) -> Self {
        match &denied {
            Denied::Malformed | Denied::Expired | Denied::Revoked => {
                Fault::new(Code::Unauthenticated, denied.to_string())
                    .with("reason", denied.reason())
                    .into()
            }
            Denied::Broken(_) => internal(&denied).into(),
        }
    }
}
