//! The web, as far as a crawl may see it: one request after another, none of
//! them to a private address, none without an end.

mod answer;

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use chrono::DateTime;
use domain::job::Exclusion;
use reqwest::{
    Client, Response, StatusCode,
    header::{self, HeaderMap},
    redirect::Policy,
};
use tokio::{task::spawn_blocking, time::sleep};
use url::Url;

use super::{
    Settings, link,
    resolve::Guarded,
    robots::{self, Robots},
};
use crate::tls;
pub(super) use answer::{Answer, Document, Fault};

/// How many redirects a robots.txt may take.
const ROBOTS_HOPS_MAX: u8 = 5;

/// What pages may be, as they are asked for.
const ACCEPT: &str = "text/html,application/xhtml+xml,text/plain;q=0.8,*/*;q=0.1";

/// The way out. Clones share connections.
#[derive(Clone)]
pub(super) struct Web {
    client: Client,
    settings: Arc<Settings>,
}

/// Why there is no way out.
#[derive(Debug, thiserror::Error)]
#[error("the client for crawls cannot be set up")]
pub struct NoWeb(#[source] reqwest::Error);

impl Web {
    pub(super) fn new(settings: Arc<Settings>) -> Result<Self, NoWeb> {
        tls::choose();
        let client = Client::builder()
            .user_agent(settings.user_agent())
            .default_headers(
                [(header::ACCEPT, header::HeaderValue::from_static(ACCEPT))].into_iter().collect(),
            )
            .dns_resolver(Arc::new(Guarded(Arc::clone(&settings.allowed))))
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.timeout)
            .pool_max_idle_per_host(settings.at_once_per_host)
            .build()
            .map_err(NoWeb)?;
        Ok(Self { client, settings })
    }

    /// Fetches a page; tries again what may pass.
    pub(super) async fn page(&self, url: &Url) -> Answer {
        let again = |it: &Answer| it.fault().is_some_and(Fault::is_worth_another_try);
        self.patiently(|| self.try_page(url), again).await
    }

    /// What the robots.txt of the page's site asks of us; tries again what may
    /// pass.
    pub(super) async fn robots(&self, page: &Url) -> Result<Robots, Answer> {
        let again = |it: &Result<_, Answer>| {
            let fault = it.as_ref().err().and_then(Answer::fault);
            fault.is_some_and(Fault::is_worth_another_try)
        };
        self.patiently(|| self.try_robots(page), again).await
    }

    /// Tries a few times, with more and more time in between.
    async fn patiently<T, F: Future<Output = T>>(
        &self,
        attempt: impl Fn() -> F,
        again: impl Fn(&T) -> bool,
    ) -> T {
        let mut backoff = self.settings.backoff_first;
        for _ in 0..self.settings.retries {
            let answer = attempt().await;
            if !again(&answer) {
                return answer;
            }
            sleep(backoff.min(self.settings.backoff_max)).await;
            backoff *= 2;
        }
        attempt().await
    }

    async fn try_robots(&self, page: &Url) -> Result<Robots, Answer> {
        let mut url = page.clone();
        url.set_path("/robots.txt");
        url.set_query(None);
        for _ in 0..=ROBOTS_HOPS_MAX {
            let response = match self.get(&url).await {
                Ok(response) => response,
                Err(Answer::Failed(it)) if it.error == "timeout" => {
                    return Err(Answer::Failed(Fault::robots_unavailable(None, None)));
                }
                Err(answer) => return Err(answer),
            };
            let status = response.status();
            let wait = retry_after(response.headers());
            if let Some(next) = location(&response, &url) {
                url = next;
                continue;
            }
            let (body, _) = read(response, robots::BYTES_MAX).await.map_err(Answer::Failed)?;
            let status = status.as_u16();
            // Reading them is work: others are not to wait for it.
            let rules = spawn_blocking(move || Robots::answered(status, &body)).await;
            return rules
                .ok()
                .flatten()
                .ok_or_else(|| Answer::Failed(Fault::robots_unavailable(Some(status), wait)));
        }
        // It leads nowhere: as good as none.
        Ok(Robots::Nothing)
    }

    async fn try_page(&self, url: &Url) -> Answer {
        let response = match self.get(url).await {
            Ok(response) => response,
            Err(answer) => return answer,
        };
        let status = response.status();
        if status.is_redirection() {
            return location(&response, url)
                .map_or_else(|| Answer::Failed(Fault::bad_redirect(status)), Answer::Moved);
        }
        if !status.is_success() {
            return Answer::Failed(Fault::status(status, retry_after(response.headers())));
        }
        let (media_type, charset) = media_type(&response);
        if !is_text(&media_type) {
            return Answer::Excluded(Exclusion::MediaType);
        }
        let bytes_max = self.settings.page_bytes_max;
        if response.content_length().is_some_and(|it| (bytes_max as u64) < it) {
            return Answer::Excluded(Exclusion::TooLarge);
        }
        match read(response, bytes_max).await {
            Err(fault) => Answer::Failed(fault),
            Ok((_, false)) => Answer::Excluded(Exclusion::TooLarge),
            Ok((body, true)) if is_something_else(&body) => Answer::Excluded(Exclusion::MediaType),
            Ok((body, true)) => {
                let status = status.as_u16();
                Answer::Document(Document { status, media_type, charset, body: body.freeze() })
            }
        }
    }

    async fn get(&self, url: &Url) -> Result<Response, Answer> {
        let host = url.host().ok_or_else(|| Answer::Failed(Fault::bad_url()))?;
        if !self.settings.allowed.host(&host) {
            return Err(Answer::Excluded(Exclusion::PrivateAddress));
        }
        self.client.get(url.clone()).send().await.map_err(|it| Answer::from_error(&it))
    }
}

/// The body up to a length, uncompressed, and whether that is all of it.
async fn read(mut response: Response, bytes_max: usize) -> Result<(BytesMut, bool), Fault> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|it| Fault::of(&it))? {
        let room = bytes_max - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if room < chunk.len() {
            return Ok((body, false));
        }
    }
    Ok((body, true))
}

/// How long the server wants to be left alone: for so many seconds, or until a
/// time, by its own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let said = |name| headers.get(name)?.to_str().ok();
    let time = |text| DateTime::parse_from_rfc2822(text).ok();
    let after = said(header::RETRY_AFTER)?.trim();
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let wait = time(after)? - time(said(header::DATE)?)?;
    Some(wait.to_std().unwrap_or_default())
}

fn location(response: &Response, from: &Url) -> Option<Url> {
    if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED {
        return None;
    }
    link::resolve(from, header(response, header::LOCATION)?)
}

fn header(response: &Response, name: header::HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// What the server says that it is, and in which character set. Who says
/// nothing means a page.
fn media_type(response: &Response) -> (String, Option<String>) {
    let said = header(response, header::CONTENT_TYPE).unwrap_or("text/html");
    let mut parts = said.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset = parts.find_map(|it| {
        let (name, value) = it.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim_matches([' ', '"', '\'']))
    });
    (media_type, charset.map(str::to_owned))
}

fn is_text(media_type: &str) -> bool {
    matches!(media_type, "text/html" | "application/xhtml+xml" | "text/plain")
}

/// Whether it is not what the server says: a PDF, an archive, a program.
fn is_something_else(body: &[u8]) -> bool {
    let start = &body[..body.len().min(512)];
    let wide = start.starts_with(b"\xFF\xFE") || start.starts_with(b"\xFE\xFF");
    start.starts_with(b"%PDF-") || (start.contains(&0) && !wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_for_how_long_or_until_when_it_is_to_be_left_alone() {
        let wait = |after: &str, now: Option<&str>| {
            let said = [(header::RETRY_AFTER, Some(after)), (header::DATE, now)];
            let said = said.into_iter().filter_map(|(name, it)| Some((name, it?.parse().unwrap())));
            retry_after(&said.collect()).map(|it| it.as_secs())
        };
        let now = Some("Sat, 21 Nov 2026 10:00:00 GMT");
        assert_eq!(wait("120", None), Some(120));
        assert_eq!(wait(" 120 ", now), Some(120));
        assert_eq!(wait("Sat, 21 Nov 2026 10:02:00 GMT", now), Some(120));
        assert_eq!(wait("Sat, 21 Nov 2026 09:00:00 GMT", now), Some(0), "it is over");
        assert_eq!(wait("Sat, 21 Nov 2026 10:02:00 GMT", None), None, "by which clock?");
        for nonsense in ["", "soon", "-1", "Sat, 99 Nov 2026 10:02:00 GMT"] {
            assert_eq!(wait(nonsense, now), None, "{nonsense}");
        }
    }
}
