//! A web site, served over real HTTP.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use tokio::{net::TcpListener, task::JoinSet};

/// What a path is answered with.
#[derive(Clone)]
pub(super) enum Reply {
    Html(String),
    Bytes(&'static str, Vec<u8>),
    Redirect(String),
    Status(u16),
    /// A page that never comes.
    Never,
    /// A page that never ends.
    Endless,
    /// A status for as many times, then a page.
    After(usize, u16, String),
    /// A page that links to itself, one level down, for ever.
    Trap,
}

/// A web site, for as long as it is held.
pub(super) struct Site {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: JoinSet<()>,
}

struct Shared {
    replies: Mutex<HashMap<String, Reply>>,
    asked: Mutex<Vec<(String, HeaderMap, Instant)>>,
}

impl Site {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { replies: Mutex::default(), asked: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared, _server: server }
    }

    /// The address of a path. By number, so that no name has to be looked up.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn reply(&self, path: &str, reply: Reply) {
        self.shared.replies.lock().unwrap().insert(path.to_owned(), reply);
    }

    /// A page about lights, with links.
    pub(super) fn page(&self, path: &str, title: &str, links: &[&str]) {
        self.reply(path, Reply::Html(html(title, links)));
    }

    /// How often a path was asked for.
    pub(super) fn asked(&self, path: &str) -> usize {
        self.shared.asked.lock().unwrap().iter().filter(|(it, ..)| it == path).count()
    }

    /// How long nobody asked for anything after this path was first asked for.
    pub(super) fn silence_after(&self, path: &str) -> Duration {
        let asked = self.shared.asked.lock().unwrap();
        let at = asked.iter().position(|(it, ..)| it == path).unwrap();
        asked[at + 1].2.duration_since(asked[at].2)
    }

    /// What somebody called themselves who asked for this path first.
    pub(super) fn agent(&self, path: &str) -> String {
        let asked = self.shared.asked.lock().unwrap();
        let (_, headers, _) = asked.iter().find(|(it, ..)| it == path).unwrap();
        headers[header::USER_AGENT].to_str().unwrap().to_owned()
    }
}

impl Shared {
    fn reply(&self, path: &str) -> Option<Reply> {
        let replies = self.replies.lock().unwrap();
        replies.get(path).or_else(|| replies.get("*")).cloned()
    }
}

/// A page about lights, whose every sentence is its own.
pub(super) fn html(title: &str, links: &[&str]) -> String {
    let links: Vec<String> =
        links.iter().map(|it| format!("<li><a href=\"{it}\">{it}</a>")).collect();
    let links = links.concat();
    format!(
        "<!doctype html><html lang=\"en\"><head><title>{title}</title></head><body>\
         <nav>menu</nav><main><h1>{title}</h1>\
         <p>The lighthouse of {title} has stood on its rock since the year it was built, and \
         whoever sails past {title} at night is glad of its light.</p>\
         <p>Its keeper counts the ships that pass {title}, and writes them down.</p>\
         <ul>{links}</ul></main></body></html>"
    )
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path_and_query().map_or("/", |it| it.as_str()).to_owned();
    let before = {
        let mut asked = shared.asked.lock().unwrap();
        let before = asked.iter().filter(|(it, ..)| *it == path).count();
        asked.push((path.clone(), headers, Instant::now()));
        before
    };
    let reply = shared.reply(&path);
    let page = |html: String| ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html);
    match reply {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Reply::Html(html)) => page(html).into_response(),
        Some(Reply::Bytes(media_type, bytes)) => {
            ([(header::CONTENT_TYPE, media_type)], bytes).into_response()
        }
        Some(Reply::Redirect(to)) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Some(Reply::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Reply::Never) => std::future::pending().await,
        Some(Reply::Endless) => {
            let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
            let body = stream::repeat(chunk).map(Ok::<_, std::io::Error>);
            ([(header::CONTENT_TYPE, "text/html")], Body::from_stream(body)).into_response()
        }
        Some(Reply::After(times, _, html)) if times <= before => page(html).into_response(),
        Some(Reply::After(_, status, _)) => {
            // No crawl waits for that.
            let retry_after = [(header::RETRY_AFTER, "Thu, 31 Dec 2099 23:59:59 GMT")];
            (StatusCode::from_u16(status).unwrap(), retry_after).into_response()
        }
        Some(Reply::Trap) => {
            let deeper = format!("{}deeper-{}/", path, path.len());
            page(html(&format!("trap {}", path.len()), &[&deeper])).into_response()
        }
    }
}
