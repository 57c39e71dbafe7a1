//! A small site, one page of which is held back for as long as one likes.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

/// The page that is held back.
pub(super) const HELD: &str = "/held";

/// A site, for as long as it is held.
pub(super) struct Site {
    address: SocketAddr,
    held: watch::Sender<Held>,
    shared: Arc<Shared>,
    _server: JoinSet<()>,
}

struct Shared {
    pages: HashMap<String, String>,
    held: watch::Receiver<Held>,
    fetched: Mutex<HashMap<String, usize>>,
}

/// What becomes of the page that is held back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    Back,
    There,
    Gone,
}

impl Site {
    /// A chain of pages, each of which leads to the next; the last is held back.
    pub(super) async fn start(pages: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let page = |number: usize, next: &str| {
            format!(
                "<title>Light {number}</title><main><p>Lighthouse number {number} is one of many, \
                 and stands on a rock of its own, which is rock {number}.</p>\
                 <a href=\"{next}\">on</a> <a href=\"/missing\">nowhere</a></main>"
            )
        };
        let mut all: HashMap<String, String> =
            (0..pages).map(|it| (format!("/{it}"), page(it, &format!("/{}", it + 1)))).collect();
        all.insert(format!("/{}", pages - 1), page(pages - 1, HELD));
        all.insert(HELD.to_owned(), page(pages, "/0"));
        let held = watch::Sender::new(Held::Back);
        let fetched = Mutex::default();
        let shared = Arc::new(Shared { pages: all, held: held.subscribe(), fetched });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, held, shared, _server: server }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How often each of its pages was asked for.
    pub(super) fn fetched(&self) -> HashMap<String, usize> {
        self.shared.fetched.lock().unwrap().clone()
    }

    /// Nothing is held back any more.
    pub(super) fn let_go(&self) {
        self.held.send_replace(Held::There);
    }

    /// Nothing is held back any more; what was is not there.
    pub(super) fn drop_held(&self) {
        self.held.send_replace(Held::Gone);
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    *shared.fetched.lock().unwrap().entry(uri.path().to_owned()).or_default() += 1;
    if uri.path() == HELD {
        let mut held = shared.held.clone();
        let held = *held.wait_for(|it| *it != Held::Back).await.unwrap();
        if held == Held::Gone {
            return StatusCode::NOT_FOUND.into_response();
        }
    }
    match shared.pages.get(uri.path()) {
        Some(html) => ([(header::CONTENT_TYPE, "text/html")], html.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
