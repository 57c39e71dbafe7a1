//! Who is asking, and how they prove it: users, passwords, sessions, worker
//! tokens and the key that signs.
//!
//! Its tables are kept, not rebuilt, and it knows nothing of jobs: a role is a
//! word here, and what a role may do is decided elsewhere. It never reads a
//! clock. Secrets leave it once, when they are made; the database holds only
//! what they hash to, apart from the signing key.
//!
//! A refusal is an answer for whoever asked, with a code, a field and a rule;
//! see [`Refusal`].

mod error;
mod role;
mod email;
mod secret;
mod user;
mod password;
mod throttle;
mod signing_key;
mod access;
mod session;
mod rotation;
mod worker_token;
mod first_admin;
mod recent;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use uuid::{NoContext, Timestamp, Uuid};

pub use access::Principal;
pub use email::Email;
pub use error::{IdentityError, Refusal};
pub use first_admin::Generated;
pub use role::Role;
pub use secret::{AccessToken, RefreshToken, WorkerToken};
pub use session::Tokens;
pub use user::User;
pub use worker_token::{WorkerGrant, WorkerServices, WorkerTokenId, WorkerTokenInfo};

/// How long things last.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long an access token is believed.
    pub access_lifetime: TimeDelta,
    /// How long after sign-in one must sign in again, come what may.
    pub session_lifetime: TimeDelta,
    /// How long a session may lie unused.
    pub session_idle: TimeDelta,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_lifetime: TimeDelta::minutes(15),
            session_lifetime: TimeDelta::days(30),
            session_idle: TimeDelta::days(7),
        }
    }
}

/// The way to everything in this crate. Clones share one pool, one signing key
/// and one memory of recent answers.
#[derive(Clone, Debug)]
pub struct Identity {
    db: PgPool,
    settings: Settings,
    hasher: password::Hasher,
    signer: access::Signer,
    sessions: recent::Recent<Uuid, session::Standing>,
    workers: recent::Recent<[u8; 32], worker_token::Standing>,
}

impl Identity {
    /// Reads the signing key, or makes it if there is none yet.
    pub async fn connect(
        db: PgPool,
        settings: Settings,
        now: DateTime<Utc>,
    ) -> Result<Self, IdentityError> {
        let keys = signing_key::keys(&db, now).await?;
        Ok(Self {
            hasher: password::Hasher::new().await?,
            signer: access::Signer::new(&keys)?,
            sessions: recent::Recent::new(),
            workers: recent::Recent::new(),
            db,
            settings,
        })
    }
}

/// An identity that sorts by the time it was given.
fn new_id(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}
