//! All that one person can have: a task and what came of it, a land, a crawl
//! with its pages, files, a report.

use anyhow::Context;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    site,
    world::{Caller, World},
};

const TEMPLATE: &[u8] = include_bytes!("../../app/demo-report/template.docx");

/// What Ann has.
pub(super) struct Belongings {
    pub(super) owner: Caller,
    /// What names her things: nobody else may learn of one by asking.
    pub(super) ids: Vec<String>,
    /// Her own id, and that of her session.
    pub(super) herself: Vec<String>,
    /// Her task, her crawl and her report.
    pub(super) jobs: Vec<String>,
    pub(super) land: String,
    /// What stands in them, and their names.
    pub(super) marks: Vec<String>,
    /// Her files, by SHA-256: the source of her report, what is of her crawl alone, and at the end
    /// the three that are of her report alone.
    pub(super) files: Vec<String>,
    /// Serves what is crawled.
    _site: JoinSet<()>,
}

impl Belongings {
    pub(super) async fn of_ann(world: &World) -> anyhow::Result<Self> {
        let owner = world.member("ann").await?;
        let mark = format!("annssecret{}", Uuid::new_v4().simple());
        let (site, address) = site::of_two_pages(&mark).await?;

        let task = owner.create_task("anything", json!({ "about": mark })).await?;
        let template = owner.upload("template.docx", TEMPLATE.to_vec()).await?;
        let said = format!("Conclusion: {mark} est une conclusion.");
        let source = owner.upload(&format!("{mark}.txt"), said.into_bytes()).await?;
        let land = owner
            .mutate(
                "createLand",
                "land { id }",
                json!({ "name": mark, "terms": [mark], "startUrls": [address] }),
            )
            .await?["land"]["id"]
            .take();
        let crawl = owner
            .mutate("startCrawl", "crawl { id }", json!({ "landId": land, "depth": 1 }))
            .await?["crawl"]["id"]
            .take();
        let report = json!({
            "template": template["sha256"],
            "sources": [{ "sha256": source["sha256"], "name": format!("{mark}.txt") }],
            "values": [{ "key": "NAME", "value": mark }],
        });
        let report =
            owner.mutate("requestReport", "report { id }", report).await?["report"]["id"].take();
        let token = owner
            .mutate("createApiToken", "apiToken { id }", json!({ "name": mark, "scope": "READ" }))
            .await?["apiToken"]["id"]
            .take();
        for job in [&crawl, &report] {
            owner.until(text(job)?, "SUCCEEDED").await?;
        }
        let mut files = vec![text(&source["sha256"])?.to_owned()];
        files.extend(owner.files(text(&crawl)?, text(&report)?).await?);
        let herself = owner.ask("{ viewer { id sessions { id } } }", json!({})).await?;
        let herself = &herself["viewer"];

        let mut jobs = vec![task.clone()];
        for it in [&crawl, &report] {
            jobs.push(text(it)?.to_owned());
        }
        let mut ids = vec![task];
        for it in [&template["id"], &source["id"], &land, &crawl, &report, &token] {
            ids.push(text(it)?.to_owned());
        }
        let herself =
            vec![text(&herself["id"])?.to_owned(), text(&herself["sessions"][0]["id"])?.to_owned()];
        let mut marks = ids.clone();
        marks.extend(files.iter().cloned());
        marks.push(mark);
        ids.extend(files.iter().cloned());
        let land = text(&land)?.to_owned();
        Ok(Self { owner, ids, herself, jobs, land, marks, files, _site: site })
    }

    /// All that Ann sees of what she has.
    pub(super) async fn everything(&self) -> anyhow::Result<Value> {
        let query = "{ jobs(first: 100, orderBy: OLDEST) { nodes { id state version \
                     cancelRequested owner { id } } } \
                     lands(first: 100) { nodes { id name terms startUrls version } } \
                     viewer { id email role apiTokens { id name } sessions { id } } }";
        let mut all = self.owner.ask(query, json!({})).await?;
        for file in &self.files {
            let path = format!("/api/artifacts/{file}");
            let answer = self.owner.send(reqwest::Method::HEAD, &path).await?;
            all[file] = answer.status().as_u16().into();
        }
        Ok(all)
    }

    /// All that a stranger could name.
    pub(super) fn names(&self) -> Vec<String> {
        [&*self.ids, &*self.herself].concat()
    }

    /// Whether an answer tells of something that is hers.
    pub(super) fn is_told_of(&self, answer: &Value) -> bool {
        let text = answer.to_string();
        self.marks.iter().chain(&self.herself).any(|it| text.contains(it))
    }

    /// One more task; gives what stands in it.
    pub(super) async fn does_more(&self) -> anyhow::Result<String> {
        let mark = format!("annsother{}", Uuid::new_v4().simple());
        self.owner.create_task("anything", json!({ "about": mark })).await?;
        Ok(mark)
    }
}

fn text(value: &Value) -> anyhow::Result<&str> {
    value.as_str().with_context(|| format!("{value} is no text"))
}

/// The files that stand at that place in events of a job.
fn named_by(job: &Value, kind: &str, place: &str) -> anyhow::Result<Vec<String>> {
    let events = job["events"].as_array().context("events")?.iter();
    let named =
        events.filter(|it| it["type"] == kind).filter_map(|it| it["payload"].pointer(place));
    let named: Vec<String> = named.filter_map(|it| it.as_str()).map(str::to_owned).collect();
    anyhow::ensure!(!named.is_empty(), "no {place} in any {kind}: {job}");
    Ok(named)
}

impl Caller {
    /// Whether its token is still believed.
    pub(super) async fn is_signed_in(&self) -> anyhow::Result<bool> {
        let answer = self.answer("{ viewer { id } }", json!({})).await?;
        Ok(!answer["data"]["viewer"].is_null())
    }

    /// The files that a crawl and a report have made, and those that only their events name.
    async fn files(&self, crawl: &str, report: &str) -> anyhow::Result<Vec<String>> {
        let query = "query($crawl: ID!, $report: ID!) { \
                     crawl: job(id: $crawl) { ... on Crawl { artifacts { sha256 } } } \
                     report: job(id: $report) { ... on Report { \
                     document { sha256 } provenance { sha256 } } } \
                     texts: job(id: $crawl) { events(first: 100) { type payload } } \
                     input: job(id: $report) { events(first: 100) { type payload } } }";
        let seen = self.ask(query, json!({ "crawl": crawl, "report": report })).await?;
        let mut files = Vec::new();
        for it in seen["crawl"]["artifacts"].as_array().context("the exports")? {
            files.push(text(&it["sha256"])?.to_owned());
        }
        for part in ["document", "provenance"] {
            files.push(text(&seen["report"][part]["sha256"])?.to_owned());
        }
        let texts = named_by(&seen["texts"], "PagesVisited", "/texts/sha256")?;
        files.splice(0..0, texts);
        files.extend(named_by(&seen["input"], "ReportRequested", "/report/input")?);
        Ok(files)
    }
}
