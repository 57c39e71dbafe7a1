//! Requests that a page makes in the name of its visitor, and does not show
//! him.
//!
//! Greffe knows callers by their `Authorization`, which browsers never add by
//! themselves. Cookies they do add, and something in front of Greffe may live
//! by them; so where there are cookies, more is asked.

use axum::http::{HeaderMap, HeaderName, header};

use crate::transport::fault::{Code, Fault};

/// Headers that a page of another site cannot send without asking the browser first.
const PREFLIGHT: [HeaderName; 3] = [
    HeaderName::from_static("graphql-require-preflight"),
    HeaderName::from_static("apollo-require-preflight"),
    HeaderName::from_static("x-apollo-operation-name"),
];

/// Refuses a GET that carries cookies and that any page could have caused.
pub(super) fn no_forgery(headers: &HeaderMap) -> Result<(), Fault> {
    let proven = PREFLIGHT.iter().any(|name| headers.contains_key(name));
    if headers.contains_key(header::COOKIE) && !proven {
        let message = format!("a GET with cookies needs the header `{}`", PREFLIGHT[0]);
        return Err(Fault::new(Code::BadRequest, message));
    }
    Ok(())
}

/// Refuses a socket that carries cookies and comes from a page of another site.
/// Browsers let any page open sockets anywhere.
pub(super) fn is_welcome(headers: &HeaderMap, allowed: &[String]) -> Result<(), Fault> {
    let Some(origin) = headers.get(header::ORIGIN).filter(|_| headers.contains_key(header::COOKIE))
    else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    let ours = host.is_some() && origin.split_once("://").map(|(_, it)| it) == host;
    if ours || allowed.iter().any(|it| it == origin) {
        return Ok(());
    }
    let message = format!("pages of `{origin}` may not open sockets here");
    Err(Fault::new(Code::Forbidden, message))
}
