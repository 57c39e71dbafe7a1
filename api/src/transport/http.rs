//! GraphQL over HTTP: one handler for every method of one path.
//!
//! Statuses are those that the specification's audits assert.
//! `application/json`, which cannot be told from the answer of some proxy, says
//! 200 to every well-formed request; `application/graphql-response+json` says
//! what is.

mod media;
mod origin;
mod reply;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{FromRequestParts, Query, Request, State, WebSocketUpgrade},
    http::{HeaderMap, Method, Uri, request::Parts},
    response::{IntoResponse, Response},
};

use futures::StreamExt;

use super::{
    Service,
    execution::{Admitted, Answer},
    fault::{Code, Fault, Faults},
    parameters::Parameters,
    session::Bearer,
    socket,
};
use crate::{caller_address::CallerAddress, graphiql, request::Trace};
use media::Media;

/// Answers whatever comes to the path.
pub(super) async fn answer(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if media::is_socket(&parts.headers) {
        return upgrade(service, parts).await;
    }
    if service.settings.development && media::is_browser(&parts.method, &parts.uri, &parts.headers)
    {
        return graphiql::page();
    }
    let Some(media) = media::negotiate(&parts.headers) else {
        let message = format!("this path answers with {} or {}", Media::GRAPHQL, Media::JSON);
        return reply::refused(Media::Json, &Fault::new(Code::NotAcceptable, message).into());
    };
    match execute(&service, &parts, body).await {
        Ok(Answer::Result(text)) => reply::result(media, text),
        Ok(Answer::Refused(faults)) | Err(faults) => reply::refused(media, &faults),
    }
}

async fn execute(service: &Service, parts: &Parts, body: Body) -> Result<Answer, Faults> {
    let parameters = match parts.method {
        Method::GET | Method::HEAD => from_url(&parts.uri, &parts.headers)?,
        Method::POST => from_body(&parts.headers, body, service.settings.body_max_bytes).await?,
        _ => {
            let message = format!("`{}` is not a method of GraphQL", parts.method);
            return Err(Fault::new(Code::MethodNotAllowed, message).into());
        }
    };
    let bearer = Bearer::from_headers(&parts.headers)?;
    let session = (service.around.authenticate)(bearer).await?;
    let admitted = service.execution.admit(parameters, session)?;
    let admitted = admitted
        .traced(Trace::from_headers(&parts.headers))
        .sent_from(parts.extensions.get::<CallerAddress>().copied());
    fits(&admitted, &parts.method)?;
    Ok(service.execution.run_once(admitted).await)
}

fn fits(admitted: &Admitted, method: &Method) -> Result<(), Fault> {
    if admitted.is_mutation() && method != Method::POST {
        return Err(Fault::new(Code::MethodNotAllowed, "a mutation needs POST"));
    }
    if admitted.is_subscription() {
        let message = format!("a subscription needs a `{}` socket to this path", socket::PROTOCOL);
        return Err(Fault::new(Code::BadRequest, message));
    }
    Ok(())
}

fn from_url(uri: &Uri, headers: &HeaderMap) -> Result<Parameters, Fault> {
    origin::no_forgery(headers)?;
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|error| Fault::new(Code::BadRequest, error.body_text()))?;
    Parameters::from_pairs(pairs.0)
}

/// The content type is asked for before the body is read. No page of another
/// site can send it without asking the browser first, which makes it the
/// defence against forged requests, too.
async fn from_body(headers: &HeaderMap, body: Body, max: usize) -> Result<Parameters, Fault> {
    if !media::is_json(headers) {
        let message = "the body must be `application/json`, in UTF-8";
        return Err(Fault::new(Code::UnsupportedMediaType, message));
    }
    let bytes = read(body, max).await?;
    let value = serde_json::from_slice(&bytes)
        .map_err(|error| Fault::new(Code::BadRequest, format!("the body is not JSON: {error}")))?;
    Parameters::from_json(value)
}

async fn read(body: Body, max: usize) -> Result<Vec<u8>, Fault> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Fault::new(Code::BadRequest, "the body broke off"))?;
        if bytes.len() + chunk.len() > max {
            let message = format!("the body is longer than {max} bytes");
            return Err(Fault::new(Code::PayloadTooLarge, message).with("limit", max));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn upgrade(service: Arc<Service>, mut parts: Parts) -> Response {
    if let Err(fault) = origin::is_welcome(&parts.headers, &service.settings.origins) {
        return reply::refused(Media::Graphql, &fault.into());
    }
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => socket::open(service, upgrade, &parts),
        Err(rejection) => rejection.into_response(),
    }
}
