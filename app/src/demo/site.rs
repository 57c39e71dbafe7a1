//! A small site about five lights that do not exist, served over real HTTP for
//! the demonstration's crawl. It has what sites have: rules for robots, a
//! redirect, a page that is missing, one that is off the subject, one in French
//! and in an older character set, one that is slow, and one that is there twice.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use anyhow::Context;
use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet, time::sleep};

/// How long the slow page takes.
const SLOWLY: Duration = Duration::from_millis(1_500);

/// What is served: path, media type, content.
const PAGES: [(&str, &str, &[u8]); 12] = [
    ("/robots.txt", "text/plain", include_bytes!("../../demo-site/robots.txt")),
    ("/", HTML, include_bytes!("../../demo-site/index.html")),
    ("/north.html", HTML, include_bytes!("../../demo-site/north.html")),
    ("/north-print.html", HTML, include_bytes!("../../demo-site/north-print.html")),
    ("/south.html", HTML, include_bytes!("../../demo-site/south.html")),
    ("/oak.html", HTML, include_bytes!("../../demo-site/oak.html")),
    ("/keepers.html", HTML, include_bytes!("../../demo-site/keepers.html")),
    ("/engineer.html", HTML, include_bytes!("../../demo-site/engineer.html")),
    ("/bakery.html", HTML, include_bytes!("../../demo-site/bakery.html")),
    (SLOW, HTML, include_bytes!("../../demo-site/fog.html")),
    // What character set it is in, the page says itself.
    ("/phare.html", "text/html", include_bytes!("../../demo-site/phare.html")),
    ("/archive/logbook.html", HTML, include_bytes!("../../demo-site/archive/logbook.html")),
];
const HTML: &str = "text/html; charset=utf-8";
const SLOW: &str = "/fog.html";

/// Pages that have moved, and where to.
const MOVED: [(&str, &str); 1] = [("/old-light.html", "/oak.html")];

/// The site, for as long as it is held.
pub(super) struct Site {
    address: SocketAddr,
    _server: JoinSet<()>,
}

impl Site {
    /// Serves it at `address`; a port of 0 is any that is free.
    pub(super) async fn start(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("cannot serve a site on {address}"))?;
        let address = listener.local_addr().context("cannot serve a site")?;
        let mut server = JoinSet::new();
        server.spawn(serve(listener));
        Ok(Self { address, _server: server })
    }

    /// Where it is.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(listener: TcpListener) {
    let mut visitors = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    visitors.spawn(async move {
                        let served = http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service_fn(answer))
                            .await;
                        if let Err(error) = served {
                            tracing::debug!(%error, "a visitor of the site has left");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a visitor of the site was not let in");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = visitors.join_next() => {}
        }
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path();
    if path == SLOW {
        sleep(SLOWLY).await;
    }
    let mut response = Response::new(Full::default());
    let headers = |it: &'static str| header::HeaderValue::from_static(it);
    if let Some((_, media_type, content)) = PAGES.iter().find(|(it, ..)| *it == path) {
        response.headers_mut().insert(header::CONTENT_TYPE, headers(media_type));
        *response.body_mut() = Full::new(Bytes::from_static(content));
    } else if let Some((_, to)) = MOVED.iter().find(|(it, _)| *it == path) {
        *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
        response.headers_mut().insert(header::LOCATION, headers(to));
    } else {
        *response.status_mut() = StatusCode::NOT_FOUND;
        response.headers_mut().insert(header::CONTENT_TYPE, headers(HTML));
        let apology = "<title>Lost</title><p>The drawings of every lighthouse are lost.</p>";
        *response.body_mut() = Full::new(Bytes::from_static(apology.as_bytes()));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_site_has_what_sites_have() -> anyhow::Result<()> {
        crate::tls::choose();
        let site = Site::start(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let client = reqwest::Client::builder();
        let client = client.redirect(reqwest::redirect::Policy::none()).build()?;
        for (path, status) in [
            ("/", 200),
            ("/robots.txt", 200),
            ("/fog.html", 200),
            ("/old-light.html", 301),
            ("/drawings.html", 404),
        ] {
            let answer = client.get(format!("http://{}{path}", site.address())).send().await?;
            assert_eq!(answer.status().as_u16(), status, "{path}");
        }
        let french = client.get(format!("http://{}/phare.html", site.address())).send().await?;
        assert!(String::from_utf8(french.bytes().await?.to_vec()).is_err(), "it is not UTF-8");
        Ok(())
    }
}
