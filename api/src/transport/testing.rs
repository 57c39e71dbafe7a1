//! A small real schema behind the whole transport, on a port of its own.

#![expect(clippy::unused_async, reason = "a resolver is async, whether or not it waits")]

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_graphql::{
    Context, Error, ErrorExtensions, InputObject, Object, Result, Schema, SimpleObject,
    Subscription,
};
use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{FutureExt, Stream, StreamExt, stream};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Bearer, Denied, GraphqlService, Session, Settings, Surroundings};

/// Who is asking, as the resolvers here see it.
#[derive(Clone)]
pub(crate) struct Viewer(pub(crate) &'static str);

/// How many things were added.
#[derive(Clone, Default)]
pub(crate) struct Counter(Arc<AtomicUsize>);

impl Counter {
    pub(crate) fn read(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[derive(InputObject)]
struct AddInput {
    #[graphql(validator(max_length = 20))]
    name: String,
}

#[derive(SimpleObject)]
struct Added {
    name: String,
    total: usize,
}

/// A tree in which fields fail, for the completion.
#[derive(Default)]
struct Node;

#[Object]
impl Node {
    async fn ok(&self) -> &str {
        "ok"
    }

    async fn fail(&self) -> Result<i32> {
        Err(planned())
    }

    async fn maybe(&self) -> Result<Option<i32>> {
        Err(planned())
    }

    async fn node(&self) -> Node {
        Node
    }

    async fn maybe_node(&self) -> Option<Node> {
        Some(Node)
    }

    async fn nodes(&self) -> Vec<Node> {
        vec![Node, Node]
    }

    async fn maybe_nodes(&self) -> Vec<Option<Node>> {
        vec![Some(Node), None, Some(Node)]
    }
}

fn planned() -> Error {
    Error::new("planned").extend_with(|_, it| it.set("code", "PLANNED"))
}

pub(crate) struct Query;

#[Object]
impl Query {
    async fn hello(&self, #[graphql(default = "world")] name: String) -> String {
        format!("hello {name}")
    }

    async fn viewer(&self, ctx: &Context<'_>) -> Result<&str> {
        Ok(ctx.data::<Viewer>()?.0)
    }

    async fn node(&self) -> Option<Node> {
        Some(Node)
    }

    async fn must(&self) -> Node {
        Node
    }

    async fn unplanned(&self) -> Result<i32> {
        Err(Error::new("password of the database: hunter2"))
    }

    async fn panics(&self, #[graphql(default = true)] really: bool) -> i32 {
        assert!(!really, "on purpose");
        0
    }

    #[graphql(complexity = "100_000")]
    async fn dear(&self) -> i32 {
        1
    }
}

pub(crate) struct Mutation;

#[Object]
impl Mutation {
    async fn add(&self, ctx: &Context<'_>, input: AddInput) -> Result<Added> {
        let counter = ctx.data::<Counter>()?;
        let total = counter.0.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Added { name: input.name, total })
    }
}

pub(crate) struct Subscriptions;

#[Subscription]
impl Subscriptions {
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    /// One now, and then silence.
    async fn once_and_wait(&self, ctx: &Context<'_>) -> Result<impl Stream<Item = String> + use<>> {
        let viewer = ctx.data::<Viewer>()?.0;
        Ok(stream::iter([viewer.to_owned()]).chain(stream::pending()))
    }

    async fn refuses(&self) -> Result<impl Stream<Item = i32> + use<>> {
        Err::<stream::Empty<i32>, Error>(planned())
    }

    async fn panics(&self) -> impl Stream<Item = i32> {
        stream::iter([1, 2]).inspect(|n| assert!(*n < 2, "on purpose"))
    }

    /// A hundred kilobytes, again and again, as fast as they are taken. Counts what was taken.
    async fn flood(&self, ctx: &Context<'_>) -> Result<impl Stream<Item = String> + use<>> {
        let counter = ctx.data::<Counter>()?.clone();
        Ok(stream::repeat_with(move || {
            counter.0.fetch_add(1, Ordering::SeqCst);
            "x".repeat(100 << 10)
        }))
    }

    async fn nodes(&self) -> impl Stream<Item = Node> {
        stream::iter([Node])
    }
}

pub(crate) type TestSchema = Schema<Query, Mutation, Subscriptions>;

pub(crate) fn schema(counter: Counter) -> TestSchema {
    Schema::build(Query, Mutation, Subscriptions)
        .data(counter)
        .limit_complexity(10_000)
        .validation_mode(async_graphql::ValidationMode::Fast)
        .finish()
}

#[expect(clippy::disallowed_methods, reason = "the tests live in the present")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// How long the session of the token `alice-short` lasts.
pub(crate) const SHORT: TimeDelta = TimeDelta::seconds(4);

fn authenticate(bearer: Option<&str>) -> Result<Session, Denied> {
    match bearer {
        None => Ok(Session::anonymous(Viewer("nobody"))),
        Some("alice") => Ok(Session::signed_in("alice", None, Viewer("alice"))),
        Some("alice-short") => {
            Ok(Session::signed_in("alice", Some(now() + SHORT), Viewer("alice")))
        }
        Some("alice-hour") => {
            Ok(Session::signed_in("alice", Some(now() + TimeDelta::hours(1)), Viewer("alice")))
        }
        Some("bob") => Ok(Session::signed_in("bob", None, Viewer("bob"))),
        Some("expired") => Err(Denied::Expired),
        Some("revoked") => Err(Denied::Revoked),
        Some("broken") => Err(Denied::Broken("the database is away".into())),
        Some(_) => Err(Denied::Malformed),
    }
}

/// The transport with its surroundings.
pub(crate) struct World {
    pub(crate) service: GraphqlService,
    pub(crate) counter: Counter,
    pub(crate) drain: CancellationToken,
    tasks: JoinSet<()>,
}

impl World {
    pub(crate) fn new(settings: Settings) -> Self {
        let counter = Counter::default();
        let schema = schema(counter.clone());
        let drain = CancellationToken::new();
        let around = Surroundings {
            authenticate: Arc::new(|bearer: Option<Bearer>| {
                let session = authenticate(bearer.as_ref().map(Bearer::reveal));
                std::future::ready(session).boxed()
            }),
            clock: Arc::new(now),
            drain: drain.clone(),
        };
        let sdl = schema.sdl();
        let service = GraphqlService::try_new(schema, &sdl, around, settings).unwrap();
        Self { service, counter, drain, tasks: JoinSet::new() }
    }

    pub(crate) fn routes(&self) -> Router {
        self.service.routes()
    }

    /// Serves on a free port until the world ends.
    pub(crate) async fn listen(&mut self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = self.routes();
        self.tasks.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        address
    }
}

/// Waits for a condition that will come to hold, and fails if it does not.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let patience = tokio::time::timeout(Duration::from_secs(10), async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(patience.await.is_ok(), "never came: {what}");
}
