//! What crawls and reports ask for: a site and a language model, over real
//! HTTP. Both count how often they are asked, and keep whoever asks waiting for
//! as long as one likes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing,
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinSet,
};

/// The page that is held back.
pub(super) const HELD: &str = "/held";

/// A site of pages each of which leads to the next; the last is held back.
pub(super) struct Site {
    pub(super) base: String,
    held: watch::Sender<bool>,
    shared: Arc<Pages>,
    _serving: JoinSet<()>,
}

struct Pages {
    html: HashMap<String, String>,
    asked: Mutex<HashMap<String, usize>>,
    held: watch::Receiver<bool>,
}

impl Site {
    pub(super) async fn start(pages: usize) -> anyhow::Result<Self> {
        let path = |it: usize| if it == pages { HELD.to_owned() } else { format!("/{it}") };
        let page = |it: usize| {
            let next = if it == pages { "/0".to_owned() } else { path(it + 1) };
            format!(
                "<title>Light {it}</title><main><p>Lighthouse number {it} is one of many, and \
                 stands on a rock of its own, which is rock {it}.</p><a href=\"{next}\">on</a></main>"
            )
        };
        let html = (0..=pages).map(|it| (path(it), page(it))).collect();
        let held = watch::Sender::new(true);
        let shared = Arc::new(Pages { html, asked: Mutex::default(), held: held.subscribe() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let (base, serving) = serve(router).await?;
        Ok(Self { base, held, shared, _serving: serving })
    }

    /// Nothing is held back any more.
    pub(super) fn let_go(&self) {
        self.held.send_replace(false);
    }

    /// How often each page was asked for.
    pub(super) fn asked(&self) -> HashMap<String, usize> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn answer(State(pages): State<Arc<Pages>>, uri: Uri) -> Response {
    let path = uri.path();
    let count = |asked: &mut HashMap<String, usize>| {
        *asked.entry(path.to_owned()).or_default() += 1;
    };
    count(&mut pages.asked.lock().unwrap_or_else(PoisonError::into_inner));
    if path == HELD && pages.held.clone().wait_for(|it| !*it).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match pages.html.get(path) {
        Some(html) => ([(header::CONTENT_TYPE, "text/html")], html.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A language model that answers as often as it may, and then keeps everybody
/// waiting.
pub(super) struct Model {
    pub(super) base: String,
    asked: watch::Receiver<usize>,
    answers: Arc<Semaphore>,
    _serving: JoinSet<()>,
}

impl Model {
    /// What it is called.
    pub(super) const NAME: &str = "petit";

    pub(super) async fn start() -> anyhow::Result<Self> {
        let (counted, asked) = watch::channel(0);
        let answers = Arc::new(Semaphore::new(0));
        let shared = (counted, Arc::clone(&answers));
        let router = Router::new()
            .route("/api/tags", routing::get(tags))
            .route("/api/generate", routing::post(generate))
            .with_state(Arc::new(shared));
        let (base, serving) = serve(router).await?;
        Ok(Self { base, asked, answers, _serving: serving })
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        *self.asked.borrow()
    }

    /// Returns when it has been asked so often.
    pub(super) async fn until_asked(&mut self, times: usize) -> anyhow::Result<()> {
        self.asked.wait_for(|it| times <= *it).await?;
        Ok(())
    }

    /// Lets it answer so many times more.
    pub(super) fn answer(&self, times: usize) {
        self.answers.add_permits(times);
    }

    /// What tells Greffe of it.
    pub(super) fn flags(&self) -> [&str; 4] {
        ["--ollama-url", &self.base, "--ollama-model", Self::NAME]
    }
}

async fn tags() -> Json<Value> {
    Json(json!({ "models": [{ "name": Model::NAME }] }))
}

async fn generate(
    State(shared): State<Arc<(watch::Sender<usize>, Arc<Semaphore>)>>,
) -> Result<Json<Value>, StatusCode> {
    let (counted, answers) = &*shared;
    let mut number = 0;
    counted.send_modify(|it| {
        *it += 1;
        number = *it;
    });
    let permit = answers.acquire().await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    permit.forget();
    Ok(Json(json!({ "response": format!("Réponse {number}.") })))
}

async fn serve(router: Router) -> anyhow::Result<(String, JoinSet<()>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
    Ok((base, serving))
}
