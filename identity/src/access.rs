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
use crate::own_token::TokenScope;
use crate::role::Role;
use crate::secret::{AccessToken, PersonalToken};
use crate::signing_key::SigningKey;

const ISSUER: &str = "greffe";
const AUDIENCE: &str = "greffe-api";
const TYPE: &str = "at+jwt";

/// Who is asking, as far as can be known at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// A user; for the back end of another application, its own id.
    pub user: Uuid,
    /// The role of now, not that of when the token was made.
    pub role: Role,
    /// What they came through: the session, the personal token, or the client.
    pub session: Uuid,
    pub through: Through,
    /// When the token stops being believed; never, for some personal tokens.
    pub expires_at: Option<DateTime<Utc>>,
}

/// How somebody came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Through {
    /// By signing in.
    Session,
    /// By a token of their own.
    Token(TokenScope),
    /// As the back end of another application, for these services.
    Client(Arc<[String]>),
}

/// What an access token is made out to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bearing {
    Session { session: Uuid, user: Uuid, role: Role },
    Client(Uuid),
}

impl Identity {
    /// Whether the token is ours, of time, and what it stands for still stands.
    pub async fn verify_access(
        &self,
        token: &AccessToken,
        now: DateTime<Utc>,
    ) -> Result<Principal, IdentityError> {
        if token.expose().starts_with(PersonalToken::PREFIX) {
            return self.verify_own(&PersonalToken::new(token.expose()), now).await;
        }
        let claims = self.signer.verify(token, now)?;
        if claims.client {
            return self.verify_client(&claims, now).await;
        }
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
            through: Through::Session,
            expires_at: Some(instant(claims.exp)?),
        })
    }

    async fn verify_own(
        &self,
        token: &PersonalToken,
        now: DateTime<Utc>,
    ) -> Result<Principal, IdentityError> {
        let standing = self.own_standing(&token.hash()?, now).await?;
        if standing.user_disabled {
            return Err(Refusal::UserDisabled.into());
        }
        if standing.revoked {
            return Err(Refusal::TokenRevoked.into());
        }
        if standing.expires_at.is_some_and(|at| at <= now) {
            return Err(Refusal::TokenExpired.into());
        }
        Ok(Principal {
            user: standing.user,
            role: standing.role,
            session: standing.id,
            through: Through::Token(standing.scope),
            expires_at: standing.expires_at,
        })
    }

    async fn verify_client(
        &self,
        claims: &Claims,
        now: DateTime<Utc>,
    ) -> Result<Principal, IdentityError> {
        let standing = self.client_standing(claims.sub, now).await?;
        if standing.disabled {
            return Err(Refusal::TokenRevoked.into());
        }
        Ok(Principal {
            user: claims.sub,
            role: claims.role,
            session: claims.sub,
            through: Through::Client(standing.services),
            expires_at: Some(instant(claims.exp)?),
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
    /// Whether the subject is the back end of another application.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    client: bool,
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
        bearing: Bearing,
        issued_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<(AccessToken, DateTime<Utc>), IdentityError> {
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(self.keys.kid.clone());
        let (sub, sid, role, client) = match bearing {
            Bearing::Session { session, user, role } => (user, session, role, false),
            Bearing::Client(id) => (id, id, Role::Member, true),
        };
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub,
            sid,
            role,
            iat: issued_at.timestamp(),
            exp: expires_at.timestamp(),
            client,
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
