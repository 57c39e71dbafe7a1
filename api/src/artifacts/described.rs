//! What the OpenAPI document says of files.

use serde_json::{Value, json};

use super::upload;
use crate::rest::operation::{Operation, Schemas};

const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

pub(crate) fn send(schemas: &mut Schemas) -> Operation {
    let file = json!({ "schema": { "description": "The file, as it is." } });
    let form = json!({ "schema": {
        "type": "object",
        "required": ["file"],
        "properties": { "file": { "description": "The file, with its name." } },
    } });
    let sent = json!({
        "id": "0192aaaa-0000-7000-8000-000000000001", "sha256": SHA256, "name": "notes.pdf",
        "bytes": 20, "media_type": "application/pdf",
    });
    let location = json!({ "description": "Where it is read.", "schema": { "type": "string" } });
    files("A file for a job to come.")
        .parameter("query", "name", "Its name, unless it is sent as a form.", &text())
        .optional()
        .takes_content(&json!({ "*/*": file, "multipart/form-data": form }))
        .answers::<upload::Uploaded>(201, schemas, "It is kept.", &sent)
        .answers_header(201, "Location", &location)
        .refuses(&[
            (400, &["malformed"]),
            (403, &["forbidden"]),
            (408, &["body_too_slow"]),
            (413, &["payload_too_large"]),
            (422, &["invalid"]),
        ])
}

pub(crate) fn take_back() -> Operation {
    files("An upload is not one's own any more.")
        .parameter(
            "path",
            "id",
            "As it was answered.",
            &json!({ "type": "string", "format": "uuid" }),
        )
        .answers_content(204, "It is taken back.", &Value::Null)
        .refuses(&[(403, &["forbidden"]), (404, &["not_found"])])
}

pub(crate) fn read() -> Operation {
    let hash = json!({ "type": "string", "pattern": "^[0-9a-fA-F]{64}$", "examples": [SHA256] });
    let file = json!({ "*/*": { "schema": { "description": "What is in it." } } });
    let text = text();
    files("A file, whole or in part. `HEAD` tells of it.")
        .parameter("path", "sha256", "Of what is in it.", &hash)
        .parameter("header", "Range", "One range of bytes.", &text)
        .optional()
        .parameter("header", "If-Range", "The entity tag that the range is of.", &text)
        .optional()
        .parameter("header", "If-None-Match", "Entity tags of what one has.", &text)
        .optional()
        .answers_content(200, "The file, to be saved under its name.", &file)
        .answers_content(206, "The part that was asked for.", &file)
        .answers_content(304, "One has it already.", &Value::Null)
        .refuses(&[(404, &["not_found"]), (416, &["range_not_satisfiable"])])
}

fn files(summary: &'static str) -> Operation {
    let refusals: &[(u16, &[&str])] = &[(401, &["unauthenticated"]), (503, &["unavailable"])];
    Operation::new("files", summary).shown("account").refuses(refusals)
}

fn text() -> Value {
    json!({ "type": "string" })
}
