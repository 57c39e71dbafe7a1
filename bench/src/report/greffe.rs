//! A process that writes one report.

use std::time::Instant;

use anyhow::Context;
use app::system::id;
use commands::{Command, Wishes};
use domain::{
    JobId,
    job::{JobEvent, ReportEvent, ReportSpec, WriterChoice},
    report::{FieldKind, FieldSpec, ReportInput},
};
use workers::{Reader, Reports};

use super::{
    Written,
    pages::SUBJECTS,
    source::{self, File},
};
use crate::{
    child::{self, Child},
    machine,
    server::Bench,
    works::Works,
};

/// The first argument of that process.
pub(crate) const CHILD: &str = "report-child";

const DATABASE: &str = "bench_report";

pub(super) async fn run(bench: &Bench, pages: u32) -> anyhow::Result<Written> {
    let url = bench.database(DATABASE).await?;
    let files = tempfile::tempdir()?;
    let folder = files.path().to_str().context("a folder for files")?;
    let mut child = Child::of_this(&[CHILD, &url, folder, &pages.to_string()])?;
    let written = child.tells().await?;
    child.end().await?;
    bench.drop(DATABASE).await?;
    Ok(written)
}

/// What that process does.
pub(crate) async fn child(arguments: &[String]) -> anyhow::Result<()> {
    let [database, folder, pages] = arguments else {
        anyhow::bail!("a database, a folder for files, and how many pages")
    };
    let mut works = Works::start(database, folder).await?;
    works.work(Reports::new(works.artifacts(), None, Reader::Here));
    let report = request(&works, pages.parse()?).await?;
    let job = JobId(id());
    let command = Command::RequestReport { id: job, report, wishes: Wishes::default() };
    let begun = Instant::now();
    let last = works.done(job, command).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let Some((_, JobEvent::Report(ReportEvent::ReportCompleted(done)))) = last.fact.of_job() else {
        anyhow::bail!("it ended as {:?}", last.after)
    };
    anyhow::ensure!(done.errors == 0, "{} sources could not be read", done.errors);
    child::say(serde_json::to_string(&Written { seconds, peak_kib: machine::peak_kib()? })?)?;
    works.stop().await;
    Ok(())
}

/// Stores the files, and says what is to be made of them.
async fn request(works: &Works, pages: u32) -> anyhow::Result<ReportSpec> {
    let keys: Vec<String> = SUBJECTS.iter().map(|it| it.to_uppercase()).collect();
    let kinds = [FieldKind::Narrative, FieldKind::Short, FieldKind::List];
    let fields = keys.iter().zip(kinds.into_iter().cycle()).map(|(key, kind)| field(key, kind));
    let input = ReportInput { fields: fields.collect(), ..ReportInput::default() };
    let File { name, bytes } = source::template(&keys)?;
    let template = works.store(&name, bytes).await?;
    let mut sources = Vec::new();
    for File { name, bytes } in source::sources(pages)? {
        sources.push(works.store(&name, bytes).await?);
    }
    Ok(ReportSpec {
        template,
        sources,
        input: Some(works.store("input.json", serde_json::to_vec(&input)?).await?),
        writer: WriterChoice::Extractive,
        passages_max: None,
    })
}

fn field(key: &str, kind: FieldKind) -> FieldSpec {
    FieldSpec {
        key: key.to_owned(),
        kind,
        query: None,
        instructions: None,
        chars_max: None,
        lines_max: None,
        allowed: vec![],
        sources_min: None,
    }
}
