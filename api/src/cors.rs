//! Which web pages may read what is answered here.

use std::str::FromStr;

use axum::http::{HeaderValue, Method, header};
use tower_http::cors::CorsLayer;

use crate::request::{REQUEST_ID, TRACEPARENT};

/// Where a web page comes from, as browsers say it: `https://console.example.org`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    value: HeaderValue,
}

/// This is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an origin, such as https://console.example.org")]
pub struct NoOrigin(String);

impl Origin {
    /// As browsers say it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let plain = host.is_some_and(|it| !it.is_empty() && !it.contains(['/', '*', ' ']));
        let value = HeaderValue::from_str(text).ok().filter(|_| plain);
        let value = value.ok_or_else(|| NoOrigin(text.to_owned()))?;
        Ok(Self { text: text.to_owned(), value })
    }
}

/// Lets pages of these origins read answers. Tokens are sent by those pages themselves, cookies by
/// nobody.
pub(crate) fn layer(origins: &[Origin]) -> CorsLayer {
    let origins: Vec<HeaderValue> = origins.iter().map(|it| it.value.clone()).collect();
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            header::RANGE,
            header::IF_RANGE,
            header::IF_NONE_MATCH,
            REQUEST_ID,
            TRACEPARENT,
        ])
        .expose_headers([
            header::CONTENT_DISPOSITION,
            header::CONTENT_RANGE,
            header::ETAG,
            header::LOCATION,
            REQUEST_ID,
        ])
}

#[cfg(test)]
mod tests {
    use super::{NoOrigin, Origin};

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in
            ["", "*", "console.example.org", "https://", "https://a/", "https://*.example.org"]
        {
            assert_eq!(text.parse::<Origin>(), Err(NoOrigin(text.to_owned())));
        }
        for text in ["https://console.example.org", "http://localhost:5173"] {
            assert_eq!(text.parse::<Origin>().unwrap().as_str(), text);
        }
    }
}
