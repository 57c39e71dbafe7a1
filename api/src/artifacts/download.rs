//! `GET /api/artifacts/{sha256}`: a file, whole or in part.
//!
//! Its name says what is in it, so that it never changes, and whoever has it
//! need not ask again. Browsers save it and never show it as a page.

use std::fmt::Write;

use artifacts::Info;
use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    Files,
    caller::Caller,
    range::{self, Asked},
    refused,
};
use crate::problem::Problem;

/// Whatever is in a file, nothing of it runs, and nothing is loaded for it.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// Answers with a file. For whoever owns a reference to it, and for those who see all.
pub(super) async fn answer(
    State(files): State<Files>,
    caller: Caller,
    Path(sha256): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut hash = [0; 32];
    hex::decode_to_slice(&sha256, &mut hash).map_err(|_| refused::not_found())?;
    let info = files.around.artifacts.readable(&hash, caller.sees()).await;
    let info = info.map_err(|it| refused::failed(&it))?.ok_or_else(refused::not_found)?;
    let etag = format!("\"{}\"", hex::encode(hash));
    if sent(&headers, &header::IF_NONE_MATCH).is_some_and(|it| names(it, &etag)) {
        return Ok((StatusCode::NOT_MODIFIED, described(&etag)).into_response());
    }
    // A client that has a part of another file starts anew.
    let whole = sent(&headers, &header::IF_RANGE).is_some_and(|it| it.trim() != etag);
    let range = sent(&headers, &header::RANGE).filter(|_| !whole);
    let part = match range::asked(range, info.bytes) {
        Asked::Whole => None,
        Asked::Part(part) => Some(part),
        Asked::Nowhere => {
            let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "RANGE_NOT_SATISFIABLE");
            let content_range = ascii(&format!("bytes */{}", info.bytes));
            return Err(problem
                .field("Range", format!("within {} bytes", info.bytes))
                .header(header::CONTENT_RANGE, content_range));
        }
    };
    let (status, bytes) = match &part {
        None => (StatusCode::OK, info.bytes),
        Some(part) => (StatusCode::PARTIAL_CONTENT, part.end - part.start),
    };
    let mut about = described(&etag);
    about.insert(header::CONTENT_LENGTH, bytes.into());
    about.insert(header::CONTENT_TYPE, ascii(&info.media_type));
    about.insert(header::CONTENT_DISPOSITION, disposition(&info));
    if let Some(part) = &part {
        let range = format!("bytes {}-{}/{}", part.start, part.end - 1, info.bytes);
        about.insert(header::CONTENT_RANGE, ascii(&range));
    }
    if method == Method::HEAD {
        return Ok((status, about).into_response());
    }
    let opened = files.around.artifacts.open(&hash, part).await;
    let opened = opened.map_err(|it| refused::failed(&it))?;
    Ok((status, about, Body::from_stream(opened.content)).into_response())
}

/// What is said of a file whether or not it is sent.
fn described(etag: &str) -> HeaderMap {
    HeaderMap::from_iter([
        (header::ETAG, ascii(etag)),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable")),
        (header::VARY, HeaderValue::from_static("authorization")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ])
}

/// Have it saved, under its name: escaped, so that nothing of it is taken for another parameter.
fn disposition(info: &Info) -> HeaderValue {
    let mut value = String::from("attachment; filename*=UTF-8''");
    for byte in info.name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            value.push(char::from(byte));
        } else {
            write!(value, "%{byte:02X}").expect("a string takes what is written to it");
        }
    }
    ascii(&value)
}

fn sent<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a list of tags has this one; `*` has all.
fn names(list: &str, etag: &str) -> bool {
    let tag = |it: &str| it.trim().trim_start_matches("W/").to_owned();
    list.trim() == "*" || list.split(',').any(|it| tag(it) == etag)
}

/// What was checked to be ASCII when it came in, or is made of it here. Anything else is not worth
/// more than an empty value.
fn ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
