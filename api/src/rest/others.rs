//! What the document says of all that is neither files nor workers.

use serde_json::{Value, json};

use super::operation::{Operation, Schemas};
use crate::health::Readiness;

pub(super) fn contents() -> Operation {
    let schema = json!({
        "type": "object",
        "required": ["name"],
        "additionalProperties": { "type": "string", "description": "An address of this server." },
    });
    let example =
        json!({ "name": "greffe", "graphql": "/graphql", "openapi": "/api/openapi.json" });
    system("What there is to be found here.").answers_content(
        200,
        "Addresses by what is there.",
        &json!({ "application/json": { "schema": schema, "example": example } }),
    )
}

pub(super) fn document() -> Operation {
    let schema = json!({ "type": "object", "description": "An OpenAPI document." });
    system("This document.").answers_content(
        200,
        "This document.",
        &json!({ "application/json": { "schema": schema } }),
    )
}

pub(super) fn health() -> Operation {
    let schema = json!({
        "type": "object",
        "required": ["status"],
        "properties": { "status": { "type": "string", "const": "alive" } },
    });
    system("Whether the process lives.").answers_content(
        200,
        "It does.",
        &json!({ "application/json": { "schema": schema, "example": { "status": "alive" } } }),
    )
}

pub(super) fn ready(schemas: &mut Schemas) -> Operation {
    let ready = json!({ "status": "ready", "components": {
        "process": { "ok": true },
        "journal": { "ok": true, "head": "8131", "known": "8131", "lag": 0 },
    } });
    let not_ready = json!({ "status": "not ready", "components": {
        "database": { "ok": false, "error": "it does not answer in time" },
    } });
    system("Whether the process can do what it is for, part by part.")
        .answers::<Readiness>(200, schemas, "It can.", &ready)
        .answers::<Readiness>(503, schemas, "It cannot.", &not_ready)
}

pub(super) fn metrics() -> Operation {
    system("Figures for Prometheus.")
        .shown("metrics")
        .shown("")
        .answers_content(200, "The figures.", &string("text/plain"))
        .refuses(&[(401, &["unauthenticated"])])
}

pub(super) fn query() -> Operation {
    let text = json!({ "type": "string" });
    let operation = graphql("A GraphQL query; or, as a WebSocket, `graphql-transport-ws`.")
        .parameter("query", "query", "The document. Mutations need `POST`.", &text)
        .optional()
        .parameter("query", "operationName", "Which operation of it.", &text)
        .optional()
        .parameter("query", "variables", "An object, as JSON.", &text)
        .optional();
    answered(operation).answers_content(101, "A socket for subscriptions.", &Value::Null)
}

pub(super) fn execute() -> Operation {
    let schema = json!({
        "type": "object",
        "required": ["query"],
        "properties": {
            "query": { "type": "string" },
            "operationName": { "type": ["string", "null"] },
            "variables": { "type": ["object", "null"] },
            "extensions": { "type": ["object", "null"] },
        },
    });
    let example = json!({ "query": "{ viewer { id } }" });
    let content = json!({ "application/json": { "schema": schema, "example": example } });
    answered(graphql("A GraphQL query or mutation.").takes_content(&content))
}

pub(super) fn explorer() -> Operation {
    Operation::new("graphql", "An explorer of the GraphQL schema, in development.")
        .answers_content(200, "It.", &string("text/html"))
        .refuses(&[(404, &["graphiql_not_built"])])
}

pub(super) fn explorer_file() -> Operation {
    let name = json!({ "type": "string" });
    Operation::new("graphql", "A part of the explorer, in development.")
        .parameter("path", "file", "Which.", &name)
        .answers_content(200, "It.", &json!({ "*/*": { "schema": { "description": "It." } } }))
        .refuses(&[(404, &["no_such_file", "graphiql_not_built"])])
}

pub(super) fn token() -> Operation {
    let form = json!({
        "type": "object",
        "required": ["grant_type"],
        "properties": {
            "grant_type": { "type": "string", "const": "client_credentials" },
            "client_id": { "type": "string", "format": "uuid" },
            "client_secret": { "type": "string" },
        },
    });
    let granted = json!({
        "type": "object",
        "required": ["access_token", "token_type", "expires_in"],
        "properties": {
            "access_token": { "type": "string" },
            "token_type": { "type": "string", "const": "Bearer" },
            "expires_in": { "type": "integer", "description": "In seconds." },
        },
    });
    let refused = json!({
        "type": "object",
        "required": ["error"],
        "properties": { "error": { "type": "string", "enum": [
            "invalid_request", "invalid_client", "unsupported_grant_type",
            "temporarily_unavailable",
        ] } },
    });
    let form = json!({ "application/x-www-form-urlencoded": { "schema": form } });
    let refused = json!({ "application/json": { "schema": refused } });
    Operation::new("accounts", "The back end of another application gets a token: RFC 6749.")
        .shown("client")
        .shown("")
        .takes_content(&form)
        .answers_content(200, "A token.", &json!({ "application/json": { "schema": granted } }))
        .answers_content(400, "The request is not one of RFC 6749.", &refused)
        .answers_content(401, "Nobody has this id and this secret.", &refused)
        .answers_content(429, "Too many attempts: ask again after `Retry-After`.", &refused)
        .answers_content(503, "Something is out of reach: ask again.", &refused)
}

pub(super) fn page(summary: &'static str) -> Operation {
    part(summary, "text/html")
}

pub(super) fn part(summary: &'static str, media_type: &str) -> Operation {
    Operation::new("accounts", summary).answers_content(200, "It.", &string(media_type))
}

fn system(summary: &'static str) -> Operation {
    Operation::new("system", summary)
}

fn graphql(summary: &'static str) -> Operation {
    Operation::new("graphql", summary).shown("account").shown("")
}

/// Statuses are those of the audits of GraphQL over HTTP.
fn answered(operation: Operation) -> Operation {
    let schema = json!({
        "type": "object",
        "properties": {
            "data": { "type": ["object", "null"] },
            "errors": { "type": "array", "items": { "type": "object" } },
            "extensions": { "type": "object" },
        },
    });
    let content = json!({
        "application/graphql-response+json": { "schema": schema },
        "application/json": { "schema": schema },
    });
    operation
        .answers_content(200, "What was asked for, and what is wrong with parts of it.", &content)
        .answers_content(400, "Nothing was done, and the errors say why.", &content)
        .answers_content(401, "What was shown does not let anybody in.", &content)
}

fn string(media_type: &str) -> Value {
    json!({ media_type: { "schema": { "type": "string" } } })
}
