//! The third job of the demonstration: a report, written into a Word template
//! from a PDF, a Word document and a text.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::fs;

use super::client::Client;
use crate::console;

/// The template, as it ships with the demonstration.
const TEMPLATE: (&str, &[u8]) =
    ("template.docx", include_bytes!("../../demo-report/template.docx"));

/// What the report is written from.
const SOURCES: [(&str, &[u8]); 3] = [
    ("interview.pdf", include_bytes!("../../demo-report/interview.pdf")),
    ("placement.docx", include_bytes!("../../demo-report/placement.docx")),
    ("notes.txt", include_bytes!("../../demo-report/notes.txt")),
];

/// How much of a value the table shows, in characters.
const SHOWN: usize = 60;

/// A field, as the table at the end tells of it.
#[derive(Debug, Deserialize)]
struct Field {
    key: String,
    status: String,
    value: String,
    writer: Option<String>,
}

/// Asks for the report; gives the job's id.
pub(super) async fn request(client: &Client) -> anyhow::Result<String> {
    let template = client.upload(TEMPLATE.0, TEMPLATE.1).await?;
    let mut sources = Vec::new();
    for (name, bytes) in SOURCES {
        sources.push(json!({ "sha256": client.upload(name, bytes).await?, "name": name }));
    }
    let input = json!({
        "template": template,
        "sources": sources,
        "values": [
            { "key": "NAME", "value": "Exemple" },
            { "key": "SURNAME", "value": "Camille" },
        ],
    });
    client.create("requestReport", "RequestReportInput", "report", input).await
}

/// Downloads the document into `folder`, and tells what its fields hold.
pub(super) async fn tell(
    client: &Client,
    job: &str,
    end: u64,
    folder: &Path,
) -> anyhow::Result<()> {
    let query = "query($id: ID!, $atLeast: Position) { job(id: $id, atLeast: $atLeast) { \
                 ... on Report { document { sha256 } \
                 fields { key status value writer } } } }";
    let variables = json!({ "id": job, "atLeast": end.to_string() });
    let report: Value = client.ask(query, variables, "/job").await?;
    let sha256 = report.pointer("/document/sha256").and_then(Value::as_str);
    let document = client.download(sha256.context("the report has no document")?).await?;
    let path = write(folder, job, &document).await?;

    let fields: Vec<Field> = serde_json::from_value(report["fields"].clone())?;
    let rows: Vec<[String; 4]> = fields
        .into_iter()
        .map(|it| [it.key, it.status, it.writer.unwrap_or_default(), shortened(&it.value)])
        .collect();
    console::say(format_args!("\nwhat the fields of report {job} hold"));
    console::table(["field", "how", "written by", "value"], &rows);
    console::say(format_args!("the document: {}", path.display()));
    Ok(())
}

async fn write(folder: &Path, job: &str, document: &[u8]) -> anyhow::Result<PathBuf> {
    let path = folder.join(format!("report-{job}.docx"));
    fs::write(&path, document).await.context("cannot write the report")?;
    Ok(path)
}

/// In one line, and not the whole of a long one.
fn shortened(value: &str) -> String {
    let line = value.replace('\n', " · ");
    if line.chars().count() <= SHOWN {
        return line;
    }
    line.chars().take(SHOWN - 1).chain(['…']).collect()
}
