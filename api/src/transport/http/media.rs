//! Which representations are asked for and which are sent.

use axum::http::{HeaderMap, Method, Uri, header};

/// How an answer is labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Graphql,
    Json,
}

impl Media {
    pub(super) const GRAPHQL: &str = "application/graphql-response+json";
    pub(super) const JSON: &str = "application/json";

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Graphql => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// One entry of `Accept`.
struct Range {
    kind: String,
    quality: f32,
}

/// The representation that the client likes best, or `None` if it likes
/// neither. Without a preference it is `application/json`, as older clients
/// expect.
pub(super) fn negotiate(headers: &HeaderMap) -> Option<Media> {
    let ranges = accepted(headers);
    if ranges.is_empty() {
        return Some(Media::Json);
    }
    let json = quality(&ranges, Media::JSON);
    let graphql = quality(&ranges, Media::GRAPHQL);
    let named = |kind: &str| ranges.iter().any(|it| it.kind == kind);
    if json <= 0.0 && graphql <= 0.0 {
        None
    } else if graphql > json || (graphql >= json && named(Media::GRAPHQL)) {
        Some(Media::Graphql)
    } else {
        Some(Media::Json)
    }
}

/// How much `kind` is liked, by the most specific range that covers it.
fn quality(ranges: &[Range], kind: &str) -> f32 {
    [kind, "application/*", "*/*"]
        .iter()
        .find_map(|pattern| ranges.iter().find(|it| it.kind == *pattern))
        .map_or(0.0, |it| it.quality)
}

fn accepted(headers: &HeaderMap) -> Vec<Range> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok());
    values
        .flat_map(|it| it.split(','))
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .map(range)
        .collect()
}

fn range(text: &str) -> Range {
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let quality = parts.find_map(|it| it.strip_prefix("q=")).and_then(|it| it.parse().ok());
    Range { kind, quality: quality.unwrap_or(1.0) }
}

/// A socket; `curl` offers to upgrade to HTTP/2, too, and takes it well when nobody does.
pub(super) fn is_socket(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// A person who typed the address, as opposed to a program with a query.
pub(super) fn is_browser(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    method == Method::GET
        && uri.query().is_none()
        && accepted(headers).iter().any(|it| it.kind == "text/html")
}

/// `application/json`, in the only encoding that JSON has.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let value = value.unwrap_or_default().to_ascii_lowercase();
    let mut parts = value.split(';').map(str::trim);
    parts.next() == Some(Media::JSON)
        && parts
            .filter_map(|it| it.strip_prefix("charset="))
            .all(|it| it.trim_matches('"') == "utf-8")
}
