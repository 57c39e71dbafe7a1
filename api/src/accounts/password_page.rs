//! `/join` and `/reset-password`: where letters lead. A page on which whoever
//! got the letter chooses a password.
//!
//! The token stands after the `#` of the address, which browsers send nowhere;
//! the page hands it to GraphQL with the password. It loads nothing from
//! elsewhere, and its policy would not let it.

use axum::{
    Router,
    http::header,
    response::{IntoResponse, Response},
};

use crate::rest::{Mount, Route};

const PAGE: &str = include_str!("password_page/page.html");
const SCRIPT: &str = include_str!("password_page/page.js");
const STYLE: &str = include_str!("password_page/page.css");

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Public: who comes has nothing but the letter.
pub(crate) fn routes() -> Router {
    let page = async || file("text/html; charset=utf-8", PAGE);
    Router::new()
        .mount(Route::Join, page)
        .mount(Route::ResetPassword, page)
        .mount(Route::PasswordScript, async || file("text/javascript; charset=utf-8", SCRIPT))
        .mount(Route::PasswordStyle, async || file("text/css; charset=utf-8", STYLE))
}

fn file(content_type: &'static str, content: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, content).into_response()
}
