//! Reports as people see them: what became of one, wherever one looks, and that
//! it is still there later.

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Caller, World};

const TEMPLATE: &[u8] = include_bytes!("../app/demo-report/template.docx");
const SOURCE: &[u8] = include_bytes!("../app/demo-report/notes.txt");

impl Caller {
    /// Asks for a report from this source, gives its id.
    async fn request_report(&self, source: &[u8]) -> anyhow::Result<String> {
        let template = self.upload("template.docx", TEMPLATE.to_vec()).await?;
        let source = self.upload("source.txt", source.to_vec()).await?;
        let input = json!({
            "template": template["sha256"],
            "sources": [{ "sha256": source["sha256"] }],
            "values": [{ "key": "NAME", "value": "Exemple" }],
        });
        let payload = self.mutate("requestReport", "report { id }", input).await?;
        let id = payload.pointer("/report/id").and_then(Value::as_str);
        id.map(str::to_owned).with_context(|| format!("no report was asked for: {payload}"))
    }

    /// What a report says of itself.
    async fn report(&self, id: &str) -> anyhow::Result<Value> {
        let query = "query($id: ID!) { job(id: $id) { state succeededWithErrors \
                     error { type message } ... on Report { \
                     document { name sha256 bytes mediaType url } provenance { mediaType } \
                     fields { key value status } sources { error { code } } } } }";
        Ok(self.ask(query, json!({ "id": id })).await?["job"].take())
    }
}

/// Must never: a failure that is told as a success, here or there.
#[tokio::test]
async fn a_report_that_came_to_nothing_has_failed_wherever_one_looks() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let report = ann.request_report(b"PK\x03\x04 nothing").await?;
    ann.until(&report, "FAILED").await?;
    let told = ann.report(&report).await?;
    ensure!(told["error"]["type"] == "no_readable_source", "{told}");
    ensure!(told["succeededWithErrors"] == false, "{told}");
    ensure!(told["document"].is_null() && told["fields"] == json!([]), "{told}");
    let query = "{ failed: jobs(filter: { states: [FAILED] }) { nodes { id } } \
                 others: jobs(filter: { states: [SUCCEEDED, RUNNING, QUEUED] }) { nodes { id } } }";
    let listed = ann.ask(query, json!({})).await?;
    ensure!(listed["failed"]["nodes"] == json!([{ "id": report }]), "{listed}");
    ensure!(listed["others"]["nodes"] == json!([]), "{listed}");
    world.end().await
}

/// A PDF with a picture that shows itself: whoever draws it never comes to an
/// end of it.
fn endless_pdf() -> Vec<u8> {
    let shows = |length| format!("/Length {length} >> stream\n/F Do\nendstream");
    let resources = "/Resources << /XObject << /F 4 0 R >> >>";
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 5 0 R {resources} >>"),
        format!("<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] {resources} {}", shows(5)),
        format!("<< {}", shows(5)),
    ];
    let (mut file, mut places) = ("%PDF-1.4\n".to_owned(), Vec::new());
    for (number, object) in (1..).zip(objects) {
        places.push(format!("{:010} 00000 n \n", file.len()));
        file = format!("{file}{number} 0 obj\n{object}\nendobj\n");
    }
    let (table, places) = (file.len(), places.concat());
    let file = format!(
        "{file}xref\n0 6\n0000000000 65535 f \n{places}trailer\n<< /Size 6 /Root 1 0 R >>\n\
         startxref\n{table}\n%%EOF\n"
    );
    file.into_bytes()
}

/// Must never: a file of one person that takes the server away from all.
#[tokio::test]
async fn a_source_that_brings_its_reader_down_is_named_and_nobody_else_is_hurt()
-> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let template = ann.upload("template.docx", TEMPLATE.to_vec()).await?;
    let mut sources = Vec::new();
    for (name, bytes) in [("endless.pdf", endless_pdf()), ("notes.txt", SOURCE.to_vec())] {
        let file = ann.upload(name, bytes).await?;
        sources.push(json!({ "sha256": file["sha256"], "name": name }));
    }
    let input = json!({ "template": template["sha256"], "sources": sources });
    let payload = ann.mutate("requestReport", "report { id }", input).await?;
    let report = payload["report"]["id"].as_str().context("a report")?;
    ann.until(report, "SUCCEEDED").await?;
    let told = ann.report(report).await?;
    let expected = json!([{ "error": { "code": "damaged" } }, { "error": null }]);
    ensure!(told["sources"] == expected, "{told}");
    ensure!(told["succeededWithErrors"] == true, "{told}");
    world.end().await
}

/// Must never: a report that only who remembers its id can find, and nobody
/// after a day or a restart.
#[tokio::test]
async fn a_report_is_found_and_read_after_a_restart() -> anyhow::Result<()> {
    let world = World::new().await?;
    let ann = world.member("ann").await?;
    let report = ann.request_report(SOURCE).await?;
    ann.until(&report, "SUCCEEDED").await?;
    let made = ann.report(&report).await?;
    let document = &made["document"];
    let document_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    ensure!(document["mediaType"] == document_type, "{made}");
    ensure!(made["provenance"]["mediaType"] == "application/json", "{made}");

    let world = world.restart().await?;
    let ann = world.again(&ann);
    let listed = ann.ask("{ jobs { nodes { id } } }", json!({})).await?;
    ensure!(listed["jobs"]["nodes"] == json!([{ "id": report }]), "{listed}");
    ensure!(ann.report(&report).await? == made, "it is told as it was");
    let url = document["url"].as_str().context("an address")?;
    let answer = ann.send(Method::GET, url).await?;
    ensure!(answer.status() == 200, "{url}: {}", answer.status());
    let told = answer.headers().get("content-type").and_then(|it| it.to_str().ok());
    ensure!(told == Some(document_type), "{told:?}");
    let content = answer.bytes().await?;
    ensure!(document["bytes"] == content.len() && content.starts_with(b"PK"), "{document}");
    world.end().await
}
