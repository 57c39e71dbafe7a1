//! GraphiQL: an explorer of the schema, for development.
//!
//! The page and all it loads are in the binary, put there when it was built;
//! nothing comes from anywhere else, and the page's policy would not let it. A
//! build without them works too, and says here how to get them.

use axum::{
    Router,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;

use crate::{
    problem::Problem,
    rest::{Mount, Route},
};

/// What `npm run build` made, if it was run.
#[derive(RustEmbed)]
#[folder = "graphiql/dist"]
#[allow_missing = true]
struct Files;

/// Its own scripts, and requests to where it came from. GraphiQL writes style elements at run time.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// `/graphiql` and the files under it.
pub(crate) fn routes() -> Router {
    Router::new()
        .mount(Route::Explorer, async || page())
        .mount(Route::ExplorerFile, async |Path(name): Path<String>| file(&name))
}

/// The page itself.
pub(crate) fn page() -> Response {
    file("index.html")
}

fn file(name: &str) -> Response {
    let Some(found) = Files::get(name) else { return missing() };
    let headers = [
        (header::CONTENT_TYPE, content_type(name)),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, found.data).into_response()
}

fn missing() -> Response {
    let problem = Problem::new(StatusCode::NOT_FOUND, "graphiql_not_built");
    if Files::iter().next().is_some() {
        return Problem::new(StatusCode::NOT_FOUND, "no_such_file").into_response();
    }
    problem
        .detail(
            "build it with `npm ci && npm run build` in `api/graphiql`, then build greffe again",
        )
        .header(header::VARY, HeaderValue::from_static("accept"))
        .into_response()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
