//! Which files an event names.

use domain::{
    artifact::{Artifact, Sha256},
    job::{CrawlEvent, JobEvent, ReportEvent, ReportSpec},
};

/// A file that an event names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) sha256: Sha256,
    /// What the event calls it, if it does.
    pub(super) name: Option<String>,
    /// What it is for, in a word.
    pub(super) role: &'static str,
}

/// The files that the event names.
pub(super) fn files(event: &JobEvent) -> Vec<File> {
    match event {
        JobEvent::TaskCompleted(it) => it.artifacts.iter().map(made).collect(),
        JobEvent::Crawl(CrawlEvent::PagesVisited(it)) => it.texts.iter().map(made).collect(),
        JobEvent::Crawl(CrawlEvent::CrawlCompleted(it)) => it.artifacts.iter().map(made).collect(),
        JobEvent::Report(ReportEvent::ReportRequested(it)) => given(&it.report),
        JobEvent::Report(ReportEvent::ReportCompleted(it)) => it.artifacts().map(made).collect(),
        JobEvent::TaskCreated(_)
        | JobEvent::JobQueued(_)
        | JobEvent::LeaseGranted(_)
        | JobEvent::ProgressReported(_)
        | JobEvent::CancelRequested(_)
        | JobEvent::JobPaused(_)
        | JobEvent::JobResumed(_)
        | JobEvent::LeaseReleased(_)
        | JobEvent::LeaseExpired(_)
        | JobEvent::AttemptFailed(_)
        | JobEvent::LogSealed(_)
        | JobEvent::JobFailed(_)
        | JobEvent::JobCancelled(_)
        | JobEvent::JobExpired(_)
        | JobEvent::JobTransferred(_)
        | JobEvent::Crawl(CrawlEvent::CrawlRequested(_)) => Vec::new(),
    }
}

/// Whether an event makes files of use to nobody that an earlier one named: it
/// leaves others to go on from, or is the last.
pub(super) fn supersedes(event: &JobEvent) -> bool {
    match event {
        JobEvent::ProgressReported(it) => it.checkpoint.is_some(),
        JobEvent::LeaseReleased(it) => it.checkpoint.is_some(),
        JobEvent::JobFailed(_)
        | JobEvent::JobCancelled(_)
        | JobEvent::JobExpired(_)
        | JobEvent::Report(ReportEvent::ReportCompleted(_)) => true,
        JobEvent::TaskCreated(_)
        | JobEvent::TaskCompleted(_)
        | JobEvent::JobQueued(_)
        | JobEvent::LeaseGranted(_)
        | JobEvent::CancelRequested(_)
        | JobEvent::JobPaused(_)
        | JobEvent::JobResumed(_)
        | JobEvent::LeaseExpired(_)
        | JobEvent::AttemptFailed(_)
        | JobEvent::LogSealed(_)
        | JobEvent::JobTransferred(_)
        | JobEvent::Crawl(_)
        | JobEvent::Report(ReportEvent::ReportRequested(_)) => false,
    }
}

fn made(artifact: &Artifact) -> File {
    File { sha256: artifact.sha256, name: Some(artifact.name.clone()), role: "artifact" }
}

pub(super) fn given(report: &ReportSpec) -> Vec<File> {
    let file = |role| move |sha256: &Sha256| File { sha256: *sha256, name: None, role };
    let template = std::iter::once(&report.template).map(file("template"));
    let sources = report.sources.iter().map(file("source"));
    template.chain(sources).chain(report.input.iter().map(file("input"))).collect()
}
