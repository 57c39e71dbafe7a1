//! How everything that is not GraphQL says no: a problem document of RFC 9457.
//!
//! It names the field and the rule it breaks, as GraphQL's `userErrors` do, so
//! that a program can tell a person what to change.

use std::collections::BTreeMap;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};

/// Why a request was not done. Small, since it is what functions fail with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Document>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Document {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    #[serde(serialize_with = "number")]
    status: StatusCode,
    #[serde(serialize_with = "lower_case")]
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    #[serde(flatten)]
    members: BTreeMap<&'static str, Value>,
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem that programs know by `code`: `STALE_FENCE` here and in
    /// GraphQL, written `stale_fence` in a problem document.
    pub fn new(status: StatusCode, code: &'static str) -> Self {
        Self(Box::new(Document {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Problem"),
            status,
            code,
            detail: None,
            field: None,
            rule: None,
            members: BTreeMap::new(),
            headers: Vec::new(),
        }))
    }

    /// What a person should know about this case.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// The part of the request that is wrong, and the rule it breaks.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, rule: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self.0.rule = Some(rule.into());
        self
    }

    /// What a program needs to know besides, such as `limit`.
    #[must_use]
    pub fn with(mut self, member: &'static str, value: impl Into<Value>) -> Self {
        self.0.members.insert(member, value.into());
        self
    }

    /// A header that belongs to the answer, such as `Allow` or `Retry-After`.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The status it will be answered with.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What programs know it by.
    pub fn code(&self) -> &'static str {
        self.0.code
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let text = serde_json::to_string(&self).expect("strings and a number are always JSON");
        let headers = [
            (header::CONTENT_TYPE, "application/problem+json"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        let mut response = (self.0.status, headers, text).into_response();
        response.headers_mut().extend(self.0.headers);
        response
    }
}

/// A problem document, for those who are sent one.
pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "description": "Why a request was not done: RFC 9457. Some have members of their own.",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": { "type": "string", "const": "about:blank" },
            "title": { "type": "string", "description": "The name of the status." },
            "status": { "type": "integer" },
            "code": { "type": "string", "description": "For programs." },
            "detail": { "type": "string", "description": "For people." },
            "field": { "type": "string", "description": "The part of the request that is wrong." },
            "rule": { "type": "string", "description": "What that part must be." },
            "limit": { "type": "integer", "description": "`payload_too_large`: how much may come." },
            "expected": {
                "type": "integer",
                "description": "`log_offset_mismatch`: where to go on.",
            },
            "current_fence": {
                "type": ["integer", "null"],
                "description": "`stale_fence`: the fence of the lease that holds the job.",
            },
            "job_state": { "type": "string", "description": "Where the job stands, if that is why." },
            "supported": {
                "type": "array",
                "items": { "type": "string" },
                "description": "`protocol_unsupported`: what would be understood.",
            },
        },
        "additionalProperties": true,
        "examples": [{
            "type": "about:blank", "title": "Conflict", "status": 409, "code": "stale_fence",
            "detail": "the lease of attempt 2 is held under fence 7", "field": "fence",
            "rule": "that of the lease that holds the job", "current_fence": 7,
            "job_state": "RUNNING",
        }],
    })
}

fn lower_case<S: serde::Serializer>(code: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&code.to_ascii_lowercase())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, http::HeaderValue};
    use expect_test::expect;

    use super::*;

    #[tokio::test]
    async fn a_problem_says_what_is_wrong_where_and_why() {
        let response = Problem::new(StatusCode::CONFLICT, "STALE_FENCE")
            .detail("the lease of attempt 2 is held under fence 7")
            .field("fence", "current")
            .header(header::RETRY_AFTER, HeaderValue::from_static("3"))
            .into_response();
        assert_eq!(response.status(), StatusCode::CONFLICT);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[header::RETRY_AFTER], "3");
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        expect![[r#"{"type":"about:blank","title":"Conflict","status":409,"code":"stale_fence","detail":"the lease of attempt 2 is held under fence 7","field":"fence","rule":"current"}"#]]
            .assert_eq(std::str::from_utf8(&body).unwrap());
    }
}
