//! One request: its id, its span, a line about how it ended, and the trace that it belongs to.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use commands::Ids;
use tokio::time::Instant;
use tracing::{Instrument, info_span};

/// Ties a request to what is logged of it, and to what others log of it.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names the trace that a request belongs to, and who sent it there: W3C Trace Context.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The longest id that is taken from a caller.
const ID_BYTES_MAX: usize = 64;

/// Gives the request an id, unless it has one, and logs within a span that has it. Of the address
/// only the path is logged: what follows it may hold anything.
pub(crate) async fn traced(State(ids): State<Ids>, request: Request, next: Next) -> Response {
    let id = given(request.headers()).unwrap_or_else(|| ids().to_string());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = info_span!("request", id, %method, path);
    async {
        let began_at = Instant::now();
        let mut response = next.run(request).await;
        let took_ms = began_at.elapsed().as_millis();
        tracing::debug!(status = response.status().as_u16(), took_ms, "answered");
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        response
    }
    .instrument(span)
    .await
}

/// What a caller or a proxy calls the request, if that is fit for a log.
fn given(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
    let fits = (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(plain);
    fits.then(|| id.to_owned())
}

/// The trace that a request belongs to: a `traceparent`, as it was sent. All that the request leads
/// to says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trace(pub(crate) String);

impl Trace {
    /// Reads the header, if there is one that means anything. Whoever sends nonsense is no worse
    /// off than who sends nothing.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(TRACEPARENT)?.to_str().ok()?;
        let parts: Vec<&str> = text.split('-').collect();
        let [version, trace, parent, flags] = parts[..] else { return None };
        let hex = |it: &str, digits: usize| {
            let plain = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
            it.len() == digits && it.bytes().all(plain)
        };
        let named = |it: &str, digits: usize| hex(it, digits) && it.bytes().any(|it| it != b'0');
        let fits = hex(version, 2) && named(trace, 32) && named(parent, 16) && hex(flags, 2);
        (fits && version != "ff").then(|| Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_forge_a_line_of_the_log_is_not_taken_over() {
        let with = |value: &str| {
            HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(value).unwrap())])
        };
        assert_eq!(given(&with("a-B_3.4")), Some("a-B_3.4".to_owned()));
        for bad in ["", "a b", "a\tb", "{\"a\"}", &"a".repeat(65)] {
            assert_eq!(given(&with(bad)), None, "{bad:?}");
        }
        assert_eq!(given(&HeaderMap::new()), None);
    }

    #[test]
    fn only_what_names_a_trace_is_one() {
        let with = |value: &str| {
            HeaderMap::from_iter([(TRACEPARENT, HeaderValue::from_str(value).unwrap())])
        };
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(Trace::from_headers(&with(good)), Some(Trace(good.to_owned())));
        for bad in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what",
        ] {
            assert_eq!(Trace::from_headers(&with(bad)), None, "{bad:?}");
        }
    }
}
