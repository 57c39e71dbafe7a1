//! Who does crawls: holds the lease, records what the engine hands out, and
//! makes the exports when it is over.

use std::{convert::Infallible, sync::Arc};

use artifacts::{ArtifactError, Artifacts, Reference, Subject};
use async_trait::async_trait;
use bytes::Bytes;
use commands::CommandError;
use domain::{
    JobId,
    artifact::{Artifact, Sha256},
    job::{CrawlEvent, CrawlSpec, JobCommand, JobError, JobEvent, PagesVisited, Spec},
    service::ServiceName,
};
use futures::{Stream, StreamExt, TryStreamExt, future::ready, stream};
use projections::{
    fact::Fact,
    feed::{Feed, FeedError},
};
use tokio::sync::mpsc;

use super::{
    NoWeb, Settings,
    batch::Batch,
    engine::{End, Engine},
    export::{Graph, Table},
    relevance::Dictionary,
    web::Web,
};
use crate::executor::{Attempt, Execute, Finish, Outcome, Passing, Stop};

/// How many events are read at a time. Each may hold hundreds of pages.
const EVENTS_AT_ONCE: usize = 2;

/// How large an export may become.
const EXPORT_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Does crawls.
pub struct Crawler {
    artifacts: Artifacts,
    feed: Arc<Feed>,
    settings: Arc<Settings>,
    web: Web,
}

/// Why a crawl cannot go on just now. Another attempt may.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("what the crawl has recorded cannot be read")]
    Feed(#[from] FeedError),
    #[error("texts and exports cannot be stored")]
    Artifacts(#[from] ArtifactError),
    #[error("the dictionary cannot be written")]
    Dictionary(#[from] serde_json::Error),
    #[error("pages cannot be recorded: {0}")]
    Command(#[from] CommandError),
}

impl Passing for Trouble {
    fn passes(&self) -> bool {
        match self {
            Self::Feed(error) => error.passes(),
            // What was to be stored is read from the journal meanwhile.
            Self::Artifacts(ArtifactError::Interrupted(cause)) => {
                cause.downcast_ref().is_some_and(FeedError::passes)
            }
            Self::Artifacts(error) => error.passes(),
            Self::Dictionary(_) => false,
            Self::Command(error) => error.passes(),
        }
    }
}

#[async_trait]
impl Execute for Crawler {
    fn service(&self) -> ServiceName {
        ServiceName::crawl()
    }

    async fn run(&self, attempt: Attempt) -> Outcome {
        let spec = Arc::clone(&attempt.spec);
        let Spec::Crawl(spec) = &*spec else {
            return Outcome::Failed(error("WrongKind", "this is no crawl", false));
        };
        let outcome = self.crawl(&attempt, spec).await;
        match attempt.handle.why() {
            Some(Stop::Cancel) => Outcome::Cancelled,
            Some(Stop::Doubted | Stop::Lost | Stop::Shutdown) => Outcome::Released,
            // The engine has stopped, unless the crawl was over before it heard.
            Some(Stop::Pause) | None => outcome.unwrap_or_else(|trouble| {
                tracing::error!(job = %attempt.job, error = ?trouble, "a crawl cannot go on");
                Outcome::Failed(error("Interrupted", &trouble.to_string(), true))
            }),
        }
    }
}

impl Crawler {
    /// A crawler that writes texts and exports to `artifacts`.
    pub fn new(artifacts: Artifacts, feed: Arc<Feed>, settings: Settings) -> Result<Self, NoWeb> {
        let settings = Arc::new(settings);
        let web = Web::new(Arc::clone(&settings))?;
        Ok(Self { artifacts, feed, settings, web })
    }

    async fn crawl(&self, attempt: &Attempt, spec: &CrawlSpec) -> Result<Outcome, Trouble> {
        let dictionary = Arc::new(Dictionary::new(&spec.terms, &spec.languages));
        let handle = &attempt.handle;
        let mut engine = handle.patiently(|| self.recalled(attempt.job, spec, &dictionary)).await?;
        let (out, batches) = mpsc::channel(1);
        let stop = attempt.handle.stopping();
        let (end, recorded) = tokio::join!(engine.run(out, &stop), self.record(attempt, batches));
        recorded?;
        if end == End::Stopped {
            return Ok(Outcome::Released);
        }
        if let Some(failure) = engine.failure() {
            return Ok(Outcome::Failed(failure));
        }
        let artifacts = handle.patiently(|| self.export(attempt, &engine, &dictionary)).await?;
        let (pages, errors) = (engine.corpus.kept, engine.corpus.failed);
        Ok(Outcome::Completed(Finish::Crawl { pages, errors, artifacts }))
    }

    /// A crawl, as far as it has come.
    async fn recalled(
        &self,
        job: JobId,
        spec: &CrawlSpec,
        dictionary: &Arc<Dictionary>,
    ) -> Result<Engine, FeedError> {
        let (settings, web) = (Arc::clone(&self.settings), self.web.clone());
        let mut engine = Engine::new(spec.clone(), settings, web, Arc::clone(dictionary));
        self.recorded(job, |it| engine.recall(it)).try_collect::<()>().await?;
        Ok(engine)
    }

    /// Records batches, texts first, until there are no more.
    async fn record(
        &self,
        attempt: &Attempt,
        mut batches: mpsc::Receiver<Batch>,
    ) -> Result<(), Trouble> {
        let (mut recorded, handle) = (0, &attempt.handle);
        while let Some(batch) = batches.recv().await {
            let Batch { found, visited, texts, progress } = batch;
            let texts = match visited.first() {
                Some(first) if !texts.is_empty() => {
                    let (name, texts) = (format!("texts-{}.jsonl", first.number), piece(texts));
                    let keep = || {
                        let texts = stream::iter([Ok::<_, Infallible>(texts.clone())]);
                        self.keep(attempt, (name.clone(), "application/jsonl"), texts)
                    };
                    Some(handle.patiently(keep).await?)
                }
                _ => None,
            };
            let fence = attempt.fence;
            let command = JobCommand::RecordPages { fence, found, visited, texts, progress };
            let key = format!("pages/{recorded}");
            handle.patiently(|| handle.command(&key, command.clone())).await?;
            recorded += 1;
            metrics::counter!("greffe_crawl_batches_total").increment(1);
        }
        Ok(())
    }

    /// What `take` makes of what the crawl has recorded, in its order.
    fn recorded<T>(
        &self,
        job: JobId,
        mut take: impl FnMut(&PagesVisited) -> T,
    ) -> impl Stream<Item = Result<T, FeedError>> {
        let feed = Arc::clone(&self.feed);
        let facts = stream::try_unfold(0, move |after| {
            let feed = Arc::clone(&feed);
            async move {
                let facts = feed.job_events(job, after, EVENTS_AT_ONCE).await?;
                let version = facts.last().map(|it| it.recorded.version);
                Ok::<_, FeedError>(version.map(|version| (facts, version)))
            }
        });
        let facts = facts.map_ok(|it: Vec<Arc<Fact>>| stream::iter(it.into_iter().map(Ok)));
        facts.try_flatten().try_filter_map(move |it| ready(Ok(pages_of(&it).map(&mut take))))
    }

    async fn export(
        &self,
        attempt: &Attempt,
        engine: &Engine,
        dictionary: &Dictionary,
    ) -> Result<Vec<Artifact>, Trouble> {
        let (frontier, corpus) = (&engine.frontier, &engine.corpus);
        let one = |it: Vec<u8>| stream::iter([Ok::<_, FeedError>(piece(it))]);
        let mut table = Table::default();
        let rows = self.recorded(attempt.job, |it| piece(table.rows(it, frontier)));
        let pages = one(Table::head()).chain(rows);
        let pages = self.keep(attempt, ("pages.csv".to_owned(), "text/csv"), pages).await?;

        let nodes = self.recorded(attempt.job, |it| piece(Graph::nodes(it, frontier)));
        let edges = self.recorded(attempt.job, |it| piece(Graph::edges(it, corpus, &table)));
        let graph = one(Graph::head()).chain(nodes).chain(one(Graph::between()));
        let graph = graph.chain(edges).chain(one(Graph::tail()));
        let graph = self.keep(attempt, ("pages.gexf".to_owned(), "application/xml"), graph).await?;

        let stems = serde_json::to_vec(&dictionary.stems())?;
        let name = ("dictionary.json".to_owned(), "application/json");
        let stems = self.keep(attempt, name, one(stems)).await?;
        Ok(vec![pages, graph, stems])
    }

    /// Stores a file on behalf of the job. It is durable, and kept, when this
    /// returns: whatever names it comes after.
    async fn keep<S, E>(
        &self,
        attempt: &Attempt,
        (name, media_type): (String, &str),
        content: S,
    ) -> Result<Artifact, ArtifactError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let now = attempt.handle.now();
        let stored = self.artifacts.put(content, EXPORT_BYTES_MAX, now).await?;
        let reference = Reference {
            owner: attempt.owner.0,
            subject: Subject::Job(attempt.job.0),
            name: name.clone(),
            media_type: media_type.to_owned(),
        };
        self.artifacts.refer(&stored.sha256, reference, now).await?;
        Ok(Artifact { sha256: Sha256::new(stored.sha256), name, bytes: stored.bytes })
    }
}

fn pages_of(fact: &Fact) -> Option<&PagesVisited> {
    let (_, JobEvent::Crawl(CrawlEvent::PagesVisited(pages))) = fact.of_job()? else {
        return None;
    };
    Some(pages)
}

/// A piece of a file. It waits to be written with others: without the room
/// that it was to grow into.
fn piece(content: Vec<u8>) -> Bytes {
    Bytes::from(content.into_boxed_slice())
}

fn error(error_type: &str, message: &str, retryable: bool) -> JobError {
    let (error_type, message) = (error_type.to_owned(), message.to_owned());
    JobError { error_type, message, detail: None, retryable }
}
