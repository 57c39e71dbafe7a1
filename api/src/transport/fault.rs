//! What is wrong with a request, or with the server: entries of `errors`, each
//! with a code.
//!
//! What is wrong with a *command* never comes here: refusals are data, in the
//! `userErrors` of payloads.

use std::error::Error;

use async_graphql::{ErrorExtensionValues, PathSegment, ServerError};
use serde::Serialize;
use serde_json::{Map, Value};

/// The values of `extensions.code` that the transport gives. Resolvers may give others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    GraphqlParseFailed,
    GraphqlValidationFailed,
    BadUserInput,
    OperationResolutionFailure,
    PersistedQueryNotSupported,
    QueryTooExpensive,
    TooManyOperations,
    BadRequest,
    PayloadTooLarge,
    NotAcceptable,
    UnsupportedMediaType,
    MethodNotAllowed,
    Unauthenticated,
    Forbidden,
    InternalServerError,
}

/// Messages repeat names from the request, and a name can be as long as the request.
const MESSAGE_MAX_BYTES: usize = 500;

/// One entry of `errors`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Fault {
    #[serde(skip)]
    code: Code,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    path: Vec<PathSegment>,
    extensions: Map<String, Value>,
}

/// Where in the document, counted from 1.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Location {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Why a request does not run; never empty.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Faults(Vec<Fault>);

impl Fault {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        let mut message = message.into();
        message.truncate(message.floor_char_boundary(MESSAGE_MAX_BYTES));
        let extensions = Map::from_iter([("code".to_owned(), code.text().into())]);
        Self { code, message, locations: Vec::new(), path: Vec::new(), extensions }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn at(mut self, location: Option<Location>) -> Self {
        self.locations.extend(location);
        self
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extensions.insert(name.to_owned(), value.into());
        self
    }
}

impl Faults {
    /// `None` if nothing is wrong.
    pub(super) fn from_list(faults: Vec<Fault>) -> Option<Self> {
        if faults.is_empty() { None } else { Some(Self(faults)) }
    }

    /// The list, as it is sent.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are always JSON")
    }

    /// What decides how the whole is answered: that of the first.
    pub(super) fn code(&self) -> Code {
        self.0[0].code
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl From<ServerError> for Fault {
    /// Reads a refusal of the executor. Its locations are left out: they are places
    /// in the text that the gate wrote, which the client has never seen.
    fn from(error: ServerError) -> Self {
        let error = coded(error);
        let extensions = serde_json::to_value(&error.extensions).unwrap_or_default();
        let extensions = if let Value::Object(it) = extensions { it } else { Map::new() };
        let code = extensions
            .get("code")
            .and_then(Value::as_str)
            .map_or(Code::InternalServerError, |text| {
                Code::known(text).unwrap_or(Code::GraphqlValidationFailed)
            });
        let locations = Vec::new();
        Self { code, message: error.message, locations, path: error.path, extensions }
    }
}

impl Code {
    const ALL: [Self; 15] = [
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::BadUserInput,
        Self::OperationResolutionFailure,
        Self::PersistedQueryNotSupported,
        Self::QueryTooExpensive,
        Self::TooManyOperations,
        Self::BadRequest,
        Self::PayloadTooLarge,
        Self::NotAcceptable,
        Self::UnsupportedMediaType,
        Self::MethodNotAllowed,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::InternalServerError,
    ];

    fn text(self) -> &'static str {
        match self {
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::OperationResolutionFailure => "OPERATION_RESOLUTION_FAILURE",
            Self::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
            Self::QueryTooExpensive => "QUERY_TOO_EXPENSIVE",
            Self::TooManyOperations => "TOO_MANY_OPERATIONS",
            Self::BadRequest => "BAD_REQUEST",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::NotAcceptable => "NOT_ACCEPTABLE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::InternalServerError => "INTERNAL_SERVER_ERROR",
        }
    }

    fn known(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.text() == text)
    }
}

/// Something that went wrong and that no caller planned for. The cause goes to
/// the log, once, here; the public gets a code.
pub(super) fn internal(cause: &(dyn Error + 'static)) -> Fault {
    tracing::error!(error = %chain(cause), "request failed");
    Fault::new(Code::InternalServerError, "internal error")
}

/// Gives an error of the executor its code. One without a code was not planned
/// for: its message may hold anything, so it goes to the log instead of to the
/// public.
pub(super) fn coded(mut error: ServerError) -> ServerError {
    if error.extensions.as_ref().is_some_and(|it| it.get("code").is_some()) {
        return error;
    }
    let message = error.message.as_str();
    let code = if TOO_EXPENSIVE.contains(&message) {
        Code::QueryTooExpensive
    } else if INPUT_REFUSED.iter().any(|it| message.starts_with(it)) {
        Code::BadUserInput
    } else {
        tracing::error!(error = message, path = ?error.path, "resolver failed");
        "internal error".clone_into(&mut error.message);
        Code::InternalServerError
    };
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code.text());
    error
}

/// How the executor words its own limits. A test pins them.
const TOO_EXPENSIVE: [&str; 2] = ["Query is too complex.", "Query is nested too deep."];

/// How the executor begins when a scalar or a validator turns an argument down. A test pins them.
const INPUT_REFUSED: [&str; 2] = ["Failed to parse \"", "Expected input type \""];

/// `a: b: c`, outermost first.
fn chain(error: &(dyn Error + 'static)) -> String {
    std::iter::successors(Some(error), |it| (*it).source())
        .map(ToString::to_string)
        .collect::<Vec<String>>()
        .join(": ")
}
