//! Access tokens: signed words about who somebody is, believed for minutes.
//!
//! A JWT by HS256: only those who hold the key verify, and they are one
//! program. Its header says `at+jwt` and its audience is ours, so that nothing
//! else signed by the same key would pass for one. The signature is not the
//! last word: each use also looks at the session and the user, see
//! [`crate::recent`]; the role in the token is for clients to read.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Identity;
use crate::error::{IdentityError, Refusal};
use crate::role::Role;
use crate::secret::AccessToken;
use crate::signing_key::SigningKey;

const ISSUER: &str = "greffe";
const AUDIENCE: &str = "greffe-api";
const TYPE: &str = "at+jwt";

/// Who is asking, as far as can be known at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal {
    pub user: Uuid,
    /// The role of now, not that of when the token was made.
    pub role: Role,
    pub session: Uuid,
    /// When the token stops being believed.
    pub expires_at: DateTime<Utc>,
}

impl Identity {
    /// Whether the token is ours, of time, and its session and user still
    /// stand.
    pub async fn verify_access(
        &self,
        token: &AccessToken,
        now: DateTime<Utc>,
    ) -> Result<Principal, IdentityError> {
        let claims = self.signer.verify(token, now)?;
        let standing = self.standing(claims.sid, now).await?;
        if standing.user != claims.sub {
            return Err(Refusal::TokenInvalid.into());
        }
        if standing.user_disabled {
            return Err(Refusal::UserDisabled.into());
        }
        if standing.ended || standing.expires_at <= now {
            return Err(Refusal::SessionEnded.into());
        }
        Ok(Principal {
            user: claims.sub,
            role: standing.role,
            session: claims.sid,
            expires_at: instant(claims.exp)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    role: Role,
    iat: i64,
    exp: i64,
}

/// Signs and verifies; knows no database.
#[derive(Clone)]
pub(crate) struct Signer {
    keys: Arc<Keys>,
}

struct Keys {
    kid: String,
    signs: EncodingKey,
    verify: HashMap<String, DecodingKey>,
    validation: Validation,
}

impl Signer {
    pub(crate) fn new(keys: &[SigningKey]) -> Result<Self, IdentityError> {
        let active = keys
            .iter()
            .find(|key| !key.retired)
            .ok_or_else(|| IdentityError::broken("there is no signing key in use"))?;
        // The clock is an argument here, the library's own is not used.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        let verify = keys
            .iter()
            .map(|key| (key.kid.to_string(), DecodingKey::from_secret(&key.secret)))
            .collect();
        let signs = EncodingKey::from_secret(&active.secret);
        let kid = active.kid.to_string();
        Ok(Self { keys: Arc::new(Keys { kid, signs, verify, validation }) })
    }

    /// Answers the token and the instant from which it is refused.
    pub(crate) fn sign(
        &self,
        session: Uuid,
        (user, role): (Uuid, Role),
        issued_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<(AccessToken, DateTime<Utc>), IdentityError> {
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(self.keys.kid.clone());
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: session,
            role,
            iat: issued_at.timestamp(),
            exp: expires_at.timestamp(),
        };
        let token = jsonwebtoken::encode(&header, &claims, &self.keys.signs)
            .map_err(IdentityError::broken)?;
        Ok((AccessToken::new(token), instant(claims.exp)?))
    }

    fn verify(&self, token: &AccessToken, now: DateTime<Utc>) -> Result<Claims, Refusal> {
        // Whatever is wrong with it, the bearer learns only that it is.
        let invalid = |_| Refusal::TokenInvalid;
        let header = jsonwebtoken::decode_header(token.expose()).map_err(invalid)?;
        let kid = header.kid.ok_or(Refusal::TokenInvalid)?;
        let key = self.keys.verify.get(&kid).ok_or(Refusal::TokenInvalid)?;
        let data = jsonwebtoken::decode::<Claims>(token.expose(), key, &self.keys.validation)
            .map_err(invalid)?;
        if data.header.typ.as_deref() != Some(TYPE) {
            return Err(Refusal::TokenInvalid);
        }
        if data.claims.exp <= now.timestamp() {
            return Err(Refusal::TokenExpired);
        }
        Ok(data.claims)
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("kid", &self.keys.kid).finish_non_exhaustive()
    }
}

fn instant(seconds: i64) -> Result<DateTime<Utc>, IdentityError> {
    DateTime::from_timestamp(seconds, 0)
        .ok_or_else(|| IdentityError::broken("an access token ends beyond all calendars"))
}
