//! An executor whose work is done as the test says.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use async_trait::async_trait;
use commands::{Command, Wishes};
use domain::{
    JobId,
    job::{CrawlSpec, Follow},
    service::ServiceName,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use workers::{Attempt, Execute, Outcome};

use crate::world::{PATIENCE, World};

/// How an attempt is to end.
pub(super) enum Script {
    End(Outcome),
    Panic,
}

/// An attempt that has begun, and waits to be told how to end.
pub(super) struct Begun {
    pub(super) attempt: Attempt,
    tell: oneshot::Sender<Script>,
}

impl Begun {
    pub(super) fn end(self, script: Script) {
        assert!(self.tell.send(script).is_ok(), "the attempt is not there any more");
    }
}

/// Does what the test says.
struct Scripted {
    begun: mpsc::UnboundedSender<Begun>,
}

#[async_trait]
impl Execute for Scripted {
    fn service(&self) -> ServiceName {
        ServiceName::crawl()
    }

    async fn run(&self, attempt: Attempt) -> Outcome {
        let (tell, told) = oneshot::channel();
        assert!(self.begun.send(Begun { attempt, tell }).is_ok(), "the test is over");
        match told.await {
            Ok(Script::End(outcome)) => outcome,
            Ok(Script::Panic) => panic!("as the test says"),
            Err(_) => std::future::pending().await,
        }
    }
}

/// A world in which crawls are attempted as the test says.
pub(super) struct Stage {
    world: World,
    scripted: Arc<Scripted>,
    begun: mpsc::UnboundedReceiver<Begun>,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let (sender, begun) = mpsc::unbounded_channel();
        Self { world: World::new().await, scripted: Arc::new(Scripted { begun: sender }), begun }
    }

    /// Starts an executor, as a process does.
    pub(super) fn start(&mut self, slots: u16) {
        let scripted = Arc::clone(&self.scripted);
        self.world.start(scripted, slots);
    }

    /// Asks for a crawl.
    pub(super) async fn crawl(&self) -> JobId {
        let crawl = CrawlSpec {
            land: None,
            seeds: vec!["https://rivers.example/".into()],
            terms: vec!["crue".into()],
            depth: 1,
            pages_max: 10,
            languages: vec![],
            follow: Follow::default(),
        };
        self.request(|id| Command::StartCrawl { id, crawl, wishes: Wishes::default() }).await
    }

    /// The next attempt that begins.
    pub(super) async fn begun(&mut self) -> Begun {
        timeout(PATIENCE, self.begun.recv()).await.expect("an attempt begins").unwrap()
    }
}

impl Deref for Stage {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Stage {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}
