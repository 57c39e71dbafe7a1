//! One request: its id, its span, and a line about how it ended.

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
}
