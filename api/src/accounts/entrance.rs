//! `POST /api/oauth/token`: how the back end of another application gets an
//! access token, by the `client_credentials` grant of RFC 6749.
//!
//! The client shows its id and its secret by HTTP Basic, or in the form. The
//! answers are those of the RFC, so that any OAuth library understands them.

use axum::{
    Extension, Form, Json, Router,
    extract::{State, rejection::FormRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::Timestamp;
use identity::{ClientSecret, Identity, IdentityError, Refusal};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::{
    caller_address::CallerAddress,
    rest::{Mount, Route},
    transport::Clock,
};

#[cfg(test)]
mod tests;

/// The way in for back ends. Public: they prove there who they are.
pub(crate) fn routes(identity: Identity, clock: Clock) -> Router {
    Router::new().mount(Route::Token, token).with_state((identity, clock))
}

/// What is left empty was not sent.
#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    grant_type: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
}

/// Why there is no token, in the words of RFC 6749, section 5.2.
enum Refused {
    /// A part is missing, or there twice.
    InvalidRequest,
    /// Nobody has this id and this secret.
    InvalidClient,
    /// Another grant is asked for.
    UnsupportedGrantType,
    /// Too many attempts from there.
    Throttled(Timestamp),
    /// The database is out of reach.
    Unavailable,
}

async fn token(
    State((identity, clock)): State<(Identity, Clock)>,
    address: Option<Extension<CallerAddress>>,
    headers: HeaderMap,
    form: Result<Form<Request>, FormRejection>,
) -> Response {
    let identity = identity.from_address(address.map(|Extension(it)| it.0));
    let now = clock();
    match grant(&identity, &headers, form, now).await {
        Ok(answer) => (UNCACHED, Json(answer)).into_response(),
        Err(refused) => refused.answer(now),
    }
}

async fn grant(
    identity: &Identity,
    headers: &HeaderMap,
    form: Result<Form<Request>, FormRejection>,
    now: Timestamp,
) -> Result<serde_json::Value, Refused> {
    let Form(request) = form.map_err(|_| Refused::InvalidRequest)?;
    if request.grant_type.is_empty() {
        return Err(Refused::InvalidRequest);
    }
    if request.grant_type != "client_credentials" {
        return Err(Refused::UnsupportedGrantType);
    }
    let (id, secret) = shown(headers, request)?;
    let id: Uuid = id.parse().map_err(|_| Refused::InvalidClient)?;
    match identity.enter_client(id, &ClientSecret::new(secret), now).await {
        Ok(grant) => Ok(json!({
            "access_token": grant.access.expose(),
            "token_type": "Bearer",
            "expires_in": (grant.expires_at - now).num_seconds(),
        })),
        Err(IdentityError::Refused(Refusal::Throttled { until })) => Err(Refused::Throttled(until)),
        Err(IdentityError::Refused(_)) => Err(Refused::InvalidClient),
        Err(error) => {
            let error: &(dyn std::error::Error + Send + Sync) = &error;
            tracing::error!(error, "a client cannot be let in");
            Err(Refused::Unavailable)
        }
    }
}

/// Id and secret, shown in one way and not in two.
fn shown(headers: &HeaderMap, request: Request) -> Result<(String, String), Refused> {
    let Request { client_id, client_secret, .. } = request;
    let Some(header) = headers.get(header::AUTHORIZATION) else {
        let complete = !client_id.is_empty() && !client_secret.is_empty();
        return complete.then_some((client_id, client_secret)).ok_or(Refused::InvalidClient);
    };
    let (id, secret) = basic(header).ok_or(Refused::InvalidClient)?;
    let another = !client_id.is_empty() && client_id != id;
    if another || !client_secret.is_empty() {
        return Err(Refused::InvalidRequest);
    }
    Ok((id, secret))
}

/// What `Authorization: Basic` brought. Both parts are encoded as in a form
/// before they are joined: section 2.3.1.
fn basic(shown: &HeaderValue) -> Option<(String, String)> {
    let (scheme, credentials) = shown.to_str().ok()?.split_once(' ')?;
    let bytes = STANDARD.decode(credentials.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| Some((plain(id)?, plain(secret)?)))?
}

/// A value of a form, decoded.
fn plain(encoded: &str) -> Option<String> {
    let spaced = encoded.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

const UNCACHED: [(HeaderName, HeaderValue); 2] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::PRAGMA, HeaderValue::from_static("no-cache")),
];

impl Refused {
    fn answer(&self, now: Timestamp) -> Response {
        let (status, error) = match self {
            Self::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::InvalidClient => (StatusCode::UNAUTHORIZED, "invalid_client"),
            Self::UnsupportedGrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            Self::Throttled(_) => (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        };
        let mut response = (status, UNCACHED, Json(json!({ "error": error }))).into_response();
        match self {
            Self::InvalidClient => {
                let ask = HeaderValue::from_static("Basic realm=\"greffe\", charset=\"UTF-8\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
            }
            Self::Throttled(until) => {
                let seconds = (*until - now).num_seconds().max(1);
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            Self::InvalidRequest | Self::UnsupportedGrantType | Self::Unavailable => {}
        }
        response
    }
}
