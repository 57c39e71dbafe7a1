//! Everything that is served, on one address.

#[cfg(test)]
mod tests;

use std::{future::IntoFuture, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware,
    serve::ListenerExt,
};
use metrics_exporter_prometheus::PrometheusHandle;
use projections::dispatch::WaitingWorkers;
use serde_json::json;
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;
use tower_http::{set_header::SetResponseHeaderLayer, timeout::TimeoutLayer};

use crate::{
    accounts, artifacts,
    caller_address::{self, TrustedProxies},
    cors::{self, Origin},
    graphql::{self, Sides},
    health, metrics,
    problem::Problem,
    request,
    rest::{Mount, Route, document},
    transport::{self, GraphqlService, SchemaError, Surroundings},
    viewer,
    worker::{self, WorkerApi},
};

/// What the server is made of.
pub struct Api {
    /// The system behind it.
    pub sides: Sides,
    /// Wakes the workers that wait for work.
    pub waiting: Arc<WaitingWorkers>,
    /// What this process has counted.
    pub metrics: PrometheusHandle,
    /// What an operator can decide.
    pub settings: Settings,
}

/// What an operator can decide about the server; the defaults are safe.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What they can decide about GraphQL.
    pub graphql: transport::Settings,
    /// Origins whose pages may read answers. None but our own, if it is empty.
    pub cors_origins: Vec<Origin>,
    /// Proxies that are believed when they say who sent a request; nobody, if it is empty.
    pub trusted_proxies: Vec<TrustedProxies>,
    /// What `/metrics` is to be asked with. Open to whoever reaches the address, if it is not set.
    pub metrics_token: Option<String>,
    /// How many events a projection may be behind and still count as ready.
    pub lag_max: u64,
    /// How large a file may be that is sent here, in bytes.
    pub upload_bytes_max: u64,
    /// Whether front ends and workers are answered, or only those who ask how this process is.
    pub front: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            graphql: transport::Settings::default(),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            metrics_token: None,
            lag_max: 10_000,
            upload_bytes_max: 200 * 1024 * 1024,
            front: true,
        }
    }
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A mistake of ours.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The network.
    #[error("the address cannot be served")]
    Io(#[from] io::Error),
}

/// What health and metrics look at.
pub(crate) struct Served {
    pub(crate) sides: Sides,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) settings: Settings,
    pub(crate) stop: CancellationToken,
}

/// How long an answer may take. Sockets are answered when they are open, whatever comes later.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How long requests that are under way at the stop may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// How long it may take after that to record what workers have reported.
const RECORDED_WITHIN: Duration = Duration::from_secs(5);

/// Serves until `stop`, then lets come to an end what is under way.
pub async fn serve(
    listener: TcpListener,
    api: Api,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let Routes { router, graphql, workers } = routes(api, stop.clone())?;
    let ending = stop.clone();
    let listener = listener.tap_io(|stream| {
        // Frames are small, and somebody waits for each.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection goes on with delays");
        }
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(ending.cancelled_owned());
    // What workers have reported is recorded when nobody reports any more.
    let answered = CancellationToken::new();
    let recording = workers.run(answered.clone());
    let until_the_end = async {
        end(server.into_future(), recording, &answered, &stop).await?;
        graphql.drained().await;
        Ok(())
    };
    tokio::select! {
        result = until_the_end => result,
        () = after(&stop, GRACE + RECORDED_WITHIN) => {
            tracing::warn!("stopped before all was recorded");
            Ok(())
        }
    }
}

/// Lets `answering` come to an end, or leaves it if it takes too long after the
/// stop. Either way `recording` is told that all is `answered`, and comes to its
/// own end.
async fn end(
    answering: impl Future<Output = io::Result<()>>,
    recording: impl Future<Output = ()>,
    answered: &CancellationToken,
    stop: &CancellationToken,
) -> io::Result<()> {
    let answering = async {
        let end = tokio::select! {
            end = answering => end,
            () = after(stop, GRACE) => {
                tracing::warn!("stopped while requests were under way");
                Ok(())
            }
        };
        answered.cancel();
        end
    };
    tokio::join!(answering, recording).0
}

/// Comes back so long after the stop.
async fn after(stop: &CancellationToken, pause: Duration) {
    stop.cancelled().await;
    sleep(pause).await;
}

/// All routes, and what outlives a request.
pub(crate) struct Routes {
    pub(crate) router: Router,
    pub(crate) graphql: GraphqlService,
    pub(crate) workers: WorkerApi,
}

pub(crate) fn routes(api: Api, stop: CancellationToken) -> Result<Routes, ServeError> {
    let Api { sides, waiting, metrics, settings } = api;
    let clock = {
        let commands = sides.commands.clone();
        Arc::new(move || commands.now())
    };
    let authenticate =
        viewer::authenticate(sides.identity.clone(), sides.endings.clone(), clock.clone());
    let files = artifacts::routes(artifacts::Surroundings {
        artifacts: sides.artifacts.clone(),
        authenticate: authenticate.clone(),
        clock: clock.clone(),
        ids: Arc::clone(&sides.ids),
        bytes_max: settings.upload_bytes_max,
    });
    let entrance = accounts::entrance::routes(sides.identity.clone(), clock.clone())
        .merge(accounts::password_page::routes())
        .mount(Route::Document, document::answer);
    let around = Surroundings { authenticate, clock, drain: stop.clone() };
    let executor = graphql::executor(sides.clone());
    let graphql =
        GraphqlService::try_new(executor, &graphql::sdl(), around, settings.graphql.clone())?;
    let cors = cors::layer(&settings.cors_origins);
    let workers = WorkerApi::new(worker::Surroundings {
        commands: sides.commands.clone(),
        reader: sides.reader.clone(),
        feed: Arc::clone(&sides.feed),
        waiting,
        identity: sides.identity.clone(),
        artifacts: sides.artifacts.clone(),
        upload_bytes_max: settings.upload_bytes_max,
        ids: Arc::clone(&sides.ids),
        drain: stop.clone(),
    });
    let (queries, reports) = if settings.front {
        (graphql.routes().merge(entrance), files.merge(worker::routes(workers.clone())))
    } else {
        (Router::new(), Router::new())
    };
    let ids = Arc::clone(&sides.ids);
    let trust = Arc::new(caller_address::Trust::new(settings.trusted_proxies.clone()));
    let router = Router::new()
        .merge(probes(Served { sides, metrics, settings, stop }))
        .merge(queries)
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_WITHIN))
        // Workers may wait for work for longer, and files take their time.
        .merge(reports)
        .fallback(async || {
            Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND").detail("there is nothing here")
        })
        .layer(cors)
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::REFERRER_POLICY, "no-referrer"))
        .layer(header(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(middleware::from_fn_with_state(trust, caller_address::told))
        .layer(middleware::from_fn_with_state(ids, request::traced));
    Ok(Routes { router, graphql, workers })
}

/// What those ask who watch over it.
fn probes(served: Served) -> Router {
    Router::new()
        .mount(Route::Health, health::health)
        .mount(Route::Ready, health::ready)
        .mount(Route::Metrics, metrics::metrics)
        .mount(Route::Contents, contents)
        .with_state(Arc::new(served))
}

/// For what is not meant to be a page: it may load nothing, and be shown in no frame.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Unless the answer knows better.
fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// What there is to be found here, for those whom this process answers.
async fn contents(State(served): State<Arc<Served>>) -> Json<serde_json::Value> {
    let mut contents = json!({
        "name": "greffe",
        "health": "/health",
        "ready": "/ready",
        "metrics": "/metrics",
    });
    if served.settings.front {
        contents["graphql"] = json!("/graphql");
        contents["files"] = json!("/api/files");
        contents["openapi"] = json!("/api/openapi.json");
    }
    Json(contents)
}
