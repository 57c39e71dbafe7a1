//! The site that is crawled: five thousand pages, each with twenty links,
//! served from memory by a process of its own.
//!
//! It answers faster than any crawler asks, so that crawlers are measured and
//! not the site.

mod page;

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Context;
use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::CONTENT_TYPE,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, stdin},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::child::{self, Child};

/// The first argument of the process that serves it.
pub(crate) const CHILD: &str = "site-child";

pub(crate) const PAGES: u32 = 5_000;

/// What every page has to do with.
pub(crate) const TERM: &str = page::TERM;

/// The site, being served.
pub(crate) struct Site {
    child: Child,
    url: String,
}

impl Site {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let mut child = Child::of_this(&[CHILD])?;
        let url = child.says().await.context("the site's address")?;
        Ok(Self { child, url })
    }

    /// Its first page, from which all others are reached.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Says how often a page was asked for.
    pub(crate) async fn end(mut self) -> anyhow::Result<u64> {
        self.child.stop();
        let served = self.child.tells().await?;
        self.child.end().await?;
        Ok(served)
    }
}

/// What that process does, until nobody talks to it any more.
pub(crate) async fn child() -> anyhow::Result<()> {
    let pages: Arc<[Bytes]> = (0..PAGES).map(|it| Bytes::from(page::html(it))).collect();
    let served = Arc::new(AtomicU64::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    child::say(format_args!("http://{}{}", listener.local_addr()?, page::path(0)))?;

    let mut input = stdin();
    let mut connections = JoinSet::new();
    let mut ignored = Vec::new();
    let over = input.read_to_end(&mut ignored);
    tokio::pin!(over);
    loop {
        tokio::select! {
            it = &mut over => { it?; break; }
            accepted = listener.accept() => {
                let (socket, _) = accepted?;
                socket.set_nodelay(true)?;
                connections.spawn(serve(socket, Arc::clone(&pages), Arc::clone(&served)));
            }
            Some(done) = connections.join_next() => done.context("a connection panicked")?,
        }
    }
    child::say(served.load(Ordering::Relaxed))
}

async fn serve(socket: TcpStream, pages: Arc<[Bytes]>, served: Arc<AtomicU64>) {
    let answer = service_fn(|request: Request<Incoming>| {
        let answer = answer(request.uri().path(), &pages);
        if answer.status() == StatusCode::OK {
            served.fetch_add(1, Ordering::Relaxed);
        }
        async { Ok::<_, Infallible>(answer) }
    });
    // Whoever asked may go away at any time, which is no fault of the site's.
    http1::Builder::new().serve_connection(TokioIo::new(socket), answer).await.ok();
}

fn answer(path: &str, pages: &[Bytes]) -> Response<Full<Bytes>> {
    let found = page::number(path).and_then(|it| pages.get(it)).cloned();
    let status = if found.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let mut response = Response::new(Full::new(found.unwrap_or_default()));
    *response.status_mut() = status;
    let html = hyper::header::HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}
