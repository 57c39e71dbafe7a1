//! A world in which reports are written.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use artifacts::{Reference, Subject};
use bytes::Bytes;
use commands::{Command, Wishes};
use domain::{
    JobId,
    artifact::Sha256,
    job::ReportSpec,
    report::{Provenance, ReportInput},
};
use uuid::Uuid;
use workers::{Ollama, Reader, Reports};

use crate::world::{self, now};
pub(super) use crate::world::{OWNER, eventually};

/// Everything that any world has, and what reports need.
pub(super) struct World(world::World);

impl World {
    pub(super) async fn new() -> Self {
        Self(world::World::new().await)
    }

    /// Starts an executor, as a process does. It leaves every field behind as
    /// soon as it is written.
    pub(super) fn start(&mut self, ollama: Option<Ollama>) {
        self.start_leaving(ollama, Duration::ZERO);
    }

    /// The same, leaving what it has written that often.
    pub(super) fn start_leaving(&mut self, ollama: Option<Ollama>, checkpoint_every: Duration) {
        self.start_all(ollama, checkpoint_every, 2);
    }

    /// The same, for so many reports at a time.
    pub(super) fn start_with(&mut self, ollama: Option<Ollama>, slots: u16) {
        self.start_all(ollama, Duration::ZERO, slots);
    }

    fn start_all(&mut self, ollama: Option<Ollama>, checkpoint_every: Duration, slots: u16) {
        let (files, reader) = (self.files.clone(), Reader::Here);
        let reports = Reports { files, ollama, reader, checkpoint_every };
        self.0.start(Arc::new(reports), slots);
    }

    /// A file that somebody has uploaded.
    pub(super) async fn upload(&self, bytes: &[u8]) -> Sha256 {
        let stored = self.files.put_bytes(Bytes::copy_from_slice(bytes), now()).await.unwrap();
        let subject = Subject::Upload(Uuid::new_v4());
        let (name, media_type) = ("a file".to_owned(), "application/octet-stream".to_owned());
        let reference = Reference { owner: OWNER.0, subject, name, media_type };
        self.files.refer(&stored.sha256, reference, now()).await.unwrap();
        Sha256::new(stored.sha256)
    }

    /// Asks for a report.
    pub(super) async fn request(&self, report: ReportSpec, input: &ReportInput) -> JobId {
        let input = Some(self.upload(&serde_json::to_vec(input).unwrap()).await);
        let report = ReportSpec { input, ..report };
        let wishes = Wishes::default();
        self.0.request(|id| Command::RequestReport { id, report, wishes }).await
    }

    /// Everything that is logged of a job.
    pub(super) async fn log(&self, id: JobId) -> String {
        let lines = self.reader.log(id, None, 1_000).await.unwrap();
        lines.into_iter().map(|it| it.entry + "\n").collect()
    }

    pub(super) async fn provenance(&self, sha256: Sha256) -> Provenance {
        serde_json::from_slice(&self.read(sha256).await).unwrap()
    }
}

impl Deref for World {
    type Target = world::World;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
