//! A language model for tests: it answers over real HTTP, as often as it may.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, http::StatusCode, routing};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};
use workers::{Ollama, OllamaSettings};

pub(super) struct Model {
    pub(super) ollama: Ollama,
    asked: Arc<AtomicUsize>,
    answers: Arc<Semaphore>,
    broken: Arc<AtomicBool>,
    _serving: JoinSet<()>,
}

impl Model {
    /// Answers so many times, and then keeps everybody waiting.
    pub(super) async fn answering(times: usize) -> Self {
        Self::saying(times, |number| Ok(answer(number))).await
    }

    /// Says that it has it, and then that it can do nothing, from that question
    /// on, until it is mended.
    pub(super) async fn broken_from(first: usize) -> Self {
        Self::broken_when(move |number| first <= number).await
    }

    /// The same, for those questions that `broken` says.
    pub(super) async fn broken_when(
        broken: impl Fn(usize) -> bool + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::saying(usize::MAX >> 3, move |number| {
            if broken(number) { Err(StatusCode::INTERNAL_SERVER_ERROR) } else { Ok(answer(number)) }
        })
        .await
    }

    async fn saying(
        times: usize,
        says: impl Fn(usize) -> Result<Json<Value>, StatusCode> + Clone + Send + Sync + 'static,
    ) -> Self {
        let (asked, answers) = (Arc::<AtomicUsize>::default(), Arc::new(Semaphore::new(times)));
        let (counted, permits) = (Arc::clone(&asked), Arc::clone(&answers));
        let broken = Arc::new(AtomicBool::new(true));
        let may_break = Arc::clone(&broken);
        let generate = async move || {
            let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
            permits.acquire().await.unwrap().forget();
            if may_break.load(Ordering::SeqCst) { says(number) } else { Ok(answer(number)) }
        };
        let tags: Value = json!({ "models": [{ "name": "petit" }] });
        let app = Router::new()
            .route("/api/tags", routing::get(async move || Json(tags.clone())))
            .route("/api/generate", routing::post(generate));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, app).await.unwrap() });
        let (model, deadline) = ("petit".to_owned(), Duration::from_mins(2));
        let ollama = Ollama::try_new(OllamaSettings { url, model, deadline }).unwrap();
        Self { ollama, asked, answers, broken, _serving: serving }
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// From now on it can do everything.
    pub(super) fn mend(&self) {
        self.broken.store(false, Ordering::SeqCst);
    }

    /// Lets it answer so many times more.
    pub(super) fn answer(&self, times: usize) {
        self.answers.add_permits(times);
    }
}

fn answer(number: usize) -> Json<Value> {
    Json(json!({ "response": format!("Réponse {number}.") }))
}
