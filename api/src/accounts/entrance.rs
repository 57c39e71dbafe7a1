//! `POST /api/oauth/token`: how the back end of another application gets an
//! access token, by the `client_credentials` grant of RFC 6749.
//!
//! The client shows its id and its secret by HTTP Basic, or in the form. The
//! answers are those of the RFC, so that any OAuth library understands them.

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use identity::{ClientSecret, Identity, IdentityError};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::transport::Clock;

/// The way in for back ends. Public: they prove there who they are.
pub(crate) fn routes(identity: Identity, clock: Clock) -> Router {
    Router::new().route("/api/oauth/token", post(token)).with_state((identity, clock))
}

#[derive(Deserialize)]
struct Request {
    grant_type: String,
    client_id: Option<String>,
    client_secret: Option<String>,
}

async fn token(
    State((identity, clock)): State<(Identity, Clock)>,
    headers: HeaderMap,
    Form(request): Form<Request>,
) -> Response {
    if request.grant_type != "client_credentials" {
        return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    let shown = basic(&headers).or_else(|| request.client_id.zip(request.client_secret));
    let Some((id, secret)) = shown else {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    };
    let Ok(id) = id.parse::<Uuid>() else {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    };
    let now = clock();
    match identity.enter_client(id, &ClientSecret::new(secret), now).await {
        Ok(grant) => {
            let expires_in = (grant.expires_at - now).num_seconds();
            let token = grant.access.expose();
            let answer = json!({
                "access_token": token, "token_type": "Bearer", "expires_in": expires_in,
            });
            ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
        }
        Err(IdentityError::Refused(_)) => refused(StatusCode::UNAUTHORIZED, "invalid_client"),
        Err(error) => {
            let error: &(dyn std::error::Error + Send + Sync) = &error;
            tracing::error!(error, "a client cannot be let in");
            refused(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
        }
    }
}

/// What `Authorization: Basic` brought, if it did.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let shown = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = shown.split_once(' ')?;
    let bytes = STANDARD.decode(credentials.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| (id.to_owned(), secret.to_owned()))
}

fn refused(status: StatusCode, error: &'static str) -> Response {
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let mut response = (status, headers, Json(json!({ "error": error }))).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let ask = HeaderValue::from_static("Basic realm=\"greffe\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
    }
    response
}
