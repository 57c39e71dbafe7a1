//! `GET /api/openapi.json`: all routes as an OpenAPI document, for clients that are generated and
//! for people. It is checked in as `api/openapi.json`, and nothing in it is secret.
//!
//! What is carried over `/graphql` is told by `api/schema.graphql`; why the workers' part is as it
//! is, by `docs/worker-protocol.md`.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{
    Route,
    operation::{Operation, Schemas},
    others,
};
use crate::{artifacts, problem, worker};

/// Public: it says how to ask, and nothing of what is there.
pub(crate) async fn answer() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(text);
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
    (headers, TEXT.as_str()).into_response()
}

/// As it is checked in.
pub(crate) fn text() -> String {
    format!("{:#}\n", document())
}

fn document() -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for route in Route::ALL {
        let told = operation(*route, &mut schemas).told(*route);
        let path = paths.entry(route.path()).or_insert_with(|| json!({}));
        path[route.method().as_str().to_lowercase()] = told;
    }
    let mut schemas = schemas.into_map();
    schemas.insert("Problem".to_owned(), problem::schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Greffe",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            "description": "What Greffe answers over HTTP. What is carried over `/graphql` is told \
                by its schema. Fields that a client does not know are to be ignored: more may come.",
        },
        "tags": [
            { "name": "system", "description": "How this process is, and what there is." },
            { "name": "graphql", "description": "What front ends ask." },
            { "name": "accounts", "description": "Ways in, and pages to which letters lead." },
            { "name": "files", "description": "What people send for jobs, and what jobs made." },
            { "name": "workers", "description": "How jobs are taken, done and reported on." },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": security_schemes(),
            "headers": headers(),
        },
    })
}

/// What is said of each route. A new one does not compile until something is.
fn operation(route: Route, schemas: &mut Schemas) -> Operation {
    match route {
        Route::Contents => others::contents(),
        Route::Document => others::document(),
        Route::Health => others::health(),
        Route::Ready => others::ready(schemas),
        Route::Metrics => others::metrics(),
        Route::Query => others::query(),
        Route::Execute => others::execute(),
        Route::Explorer => others::explorer(),
        Route::ExplorerFile => others::explorer_file(),
        Route::Token => others::token(),
        Route::Join => others::page("A page to join by a letter of invitation."),
        Route::ResetPassword => others::page("A page to choose another password by a letter."),
        Route::PasswordScript => others::part("What moves these pages.", "text/javascript"),
        Route::PasswordStyle => others::part("What these pages look like.", "text/css"),
        Route::SendFile => artifacts::described::send(schemas),
        Route::DropFile => artifacts::described::take_back(),
        Route::ReadFile => artifacts::described::read(),
        Route::RegisterWorker => worker::described::register(schemas),
        Route::LeaveWorker => worker::described::leave(schemas),
        Route::Acquire => worker::described::acquire(schemas),
        Route::Beat => worker::described::beat(schemas),
        Route::SendLogs => worker::described::log(schemas),
        Route::SendArtifact => worker::described::send(schemas),
        Route::Settle => worker::described::settle(schemas),
    }
}

fn security_schemes() -> Value {
    json!({
        "account": {
            "type": "http",
            "scheme": "bearer",
            "description": "What somebody signed in with: the access token of a session, a token of \
                theirs, or the access token of a client on their behalf.",
        },
        "worker": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "grfw_…",
            "description": "A worker token, made by an operator for some services or for all.",
        },
        "metrics": {
            "type": "http",
            "scheme": "bearer",
            "description": "The token for `/metrics`, if the operator has set one.",
        },
        "client": {
            "type": "http",
            "scheme": "basic",
            "description": "The id and the secret of a client.",
        },
    })
}

fn headers() -> Value {
    json!({
        "Retry-After": {
            "description": "In how many seconds to ask again.",
            "schema": { "type": "integer", "minimum": 0 },
        },
        "Greffe-Protocol": {
            "description": "The version of the worker protocol that is spoken.",
            "schema": { "type": "string", "const": "1" },
        },
    })
}
