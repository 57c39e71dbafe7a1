//! Answers as HTTP responses.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::media::Media;
use crate::transport::fault::{Code, Faults};

/// Execution began: 200, whatever became of single fields.
pub(super) fn result(media: Media, text: String) -> Response {
    reply(StatusCode::OK, media, text)
}

/// It did not: `errors` without `data`.
pub(super) fn refused(media: Media, faults: &Faults) -> Response {
    let code = faults.code();
    let mut response =
        reply(status(code, media), media, format!(r#"{{"errors":{}}}"#, faults.to_json()));
    let headers = response.headers_mut();
    match code {
        Code::MethodNotAllowed => {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
        }
        Code::Unauthenticated => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Code::GraphqlParseFailed
        | Code::GraphqlValidationFailed
        | Code::BadUserInput
        | Code::OperationResolutionFailure
        | Code::PersistedQueryNotSupported
        | Code::QueryTooExpensive
        | Code::TooManyOperations
        | Code::BadRequest
        | Code::PayloadTooLarge
        | Code::NotAcceptable
        | Code::UnsupportedMediaType
        | Code::Forbidden
        | Code::InternalServerError => {}
    }
    response
}

fn status(code: Code, media: Media) -> StatusCode {
    match code {
        Code::GraphqlParseFailed
        | Code::GraphqlValidationFailed
        | Code::BadUserInput
        | Code::OperationResolutionFailure
        | Code::PersistedQueryNotSupported
        | Code::QueryTooExpensive => match media {
            Media::Graphql => StatusCode::BAD_REQUEST,
            Media::Json => StatusCode::OK,
        },
        Code::BadRequest => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Code::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::TooManyOperations => StatusCode::TOO_MANY_REQUESTS,
        Code::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn reply(status: StatusCode, media: Media, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media.content_type()),
        (header::VARY, "accept"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, text).into_response()
}
