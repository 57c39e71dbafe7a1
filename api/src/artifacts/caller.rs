//! Who is asking: the same people as over GraphQL, by the same tokens.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
};
use identity::TokenScope;
use uuid::Uuid;

use super::{Files, refused};
use crate::{
    problem::Problem,
    transport::{Bearer, Denied},
    viewer::{SignedIn, Through, Viewer},
};

/// Somebody who has signed in.
pub(super) struct Caller(SignedIn);

impl FromRequestParts<Files> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, files: &Files) -> Result<Self, Problem> {
        let bearer = Bearer::from_headers(&parts.headers).map_err(|it| denied(&it))?;
        let session = (files.around.authenticate)(bearer).await.map_err(|it| denied(&it))?;
        match session.viewer::<Viewer>() {
            Some(Viewer::User(signed_in)) => Ok(Self(signed_in.clone())),
            Some(Viewer::Anonymous) | None => Err(unauthenticated(
                "files are for those who send `Authorization: Bearer` and their access token",
            )),
        }
    }
}

impl Caller {
    pub(super) fn user(&self) -> Uuid {
        self.0.user.0
    }

    /// Whose files they see; everybody's, if it is nobody's in particular.
    pub(super) fn sees(&self) -> Option<Uuid> {
        (!self.0.role.sees_all()).then(|| self.user())
    }

    /// Refuses those who may only look, and tokens that were made to look only.
    pub(super) fn may_command(&self) -> Result<(), Problem> {
        let forbidden = |why| Err(Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN").detail(why));
        match self.0.through {
            Through::Token(TokenScope::Read) => forbidden(
                "with a token of scope READ one looks at files, and sends or takes back none",
            ),
            Through::Session | Through::Token(TokenScope::Write) | Through::Client(_) => {
                if self.0.role.may_command() {
                    return Ok(());
                }
                forbidden("viewers may look at files, and send or take back none")
            }
        }
    }
}

fn denied(denied: &Denied) -> Problem {
    match denied {
        Denied::Malformed | Denied::Expired | Denied::Revoked => {
            unauthenticated(&denied.to_string())
        }
        Denied::Broken(_) => refused::unavailable(denied),
    }
}

fn unauthenticated(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED")
        .detail(detail)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}
