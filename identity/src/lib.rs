//! Who is asking, and how they prove it: users, passwords, sessions, tokens,
//! clients and the key that signs.
//!
//! Its tables are kept, not rebuilt, and it knows nothing of jobs: a role is a
//! word here, and what a role may do is decided elsewhere. It never reads a
//! clock. Secrets leave it once, when they are made; the database holds only
//! what they hash to, apart from the signing key.
//!
//! What happens to accounts is recorded before it takes effect, by a
//! [`Ledger`] that this crate is given: see [`ledger`](Ledger) and
//! [`Identity::follow`].
//!
//! A refusal is an answer for whoever asked, with a code, a field and a rule;
//! see [`Refusal`].

mod error;
mod role;
mod email;
mod secret;
mod ledger;
mod follow;
mod user;
mod joining;
mod letter;
mod password;
mod password_change;
mod throttle;
mod signing_key;
mod access;
mod session;
mod session_list;
mod settings;
mod rotation;
mod own_token;
mod worker_token;
mod blind;
mod client;
mod first_admin;
mod keeper;
mod recent;

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::{NoContext, Timestamp, Uuid};

pub use access::{Principal, Through};
pub use client::{Client, ClientGrant, Quotas};
pub use email::Email;
pub use error::{IdentityError, Refusal};
pub use first_admin::Generated;
pub use ledger::{
    Author, ClientKind, Entry, Happening, Ledger, PasswordChange, Registration, SessionEnd,
    Subject, Told,
};
pub use letter::{Language, Letter, Purpose};
pub use own_token::{OwnToken, TokenScope};
pub use role::Role;
pub use secret::{
    AccessToken, ClientSecret, LetterToken, PersonalToken, RefreshToken, WorkerToken,
};
pub use session::Tokens;
pub use session_list::SessionInfo;
pub use settings::{Admission, Settings};
pub use user::User;
pub use worker_token::{WorkerGrant, WorkerServices, WorkerTokenId, WorkerTokenInfo};

/// The way to everything in this crate. Clones share one pool, one signing key
/// and one memory of recent answers.
#[derive(Clone)]
pub struct Identity {
    db: PgPool,
    settings: Settings,
    ledger: Arc<dyn Ledger>,
    /// On whose behalf things are done that one does to others.
    author: Author,
    /// Where requests come from, if that is known.
    address: Option<IpAddr>,
    hasher: password::Hasher,
    signer: access::Signer,
    blinder: blind::Blinder,
    sessions: recent::Recent<Uuid, session::Standing>,
    own_tokens: recent::Recent<[u8; 32], own_token::Standing>,
    workers: recent::Recent<[u8; 32], worker_token::Standing>,
    clients: recent::Recent<Uuid, client::Standing>,
}

impl Identity {
    /// Reads the signing key, or makes it if there is none yet.
    pub async fn connect(
        db: PgPool,
        settings: Settings,
        ledger: Arc<dyn Ledger>,
        now: DateTime<Utc>,
    ) -> Result<Self, IdentityError> {
        let keys = signing_key::keys(&db, now).await?;
        Ok(Self {
            hasher: password::Hasher::new().await?,
            signer: access::Signer::new(&keys)?,
            blinder: blind::Blinder::new(&keys)?,
            sessions: recent::Recent::new(),
            own_tokens: recent::Recent::new(),
            workers: recent::Recent::new(),
            clients: recent::Recent::new(),
            author: Author::Console,
            address: None,
            db,
            settings,
            ledger,
        })
    }

    /// The same, on behalf of somebody else than whoever has the command line.
    #[must_use]
    pub fn on_behalf_of(&self, author: Author) -> Self {
        Self { author, ..self.clone() }
    }

    /// The same, for a request from an address: guesses are counted by it. Of
    /// IPv6, by the network of its owner.
    #[must_use]
    pub fn from_address(&self, address: Option<IpAddr>) -> Self {
        Self { address: address.map(throttle::counted), ..self.clone() }
    }

    /// Who may have an account.
    pub fn registration(&self) -> Admission {
        self.settings.registration
    }

    /// A digest as it is kept: the same for all processes of this installation,
    /// and no help to who wants to guess what it is of.
    pub fn blinded(&self, digest: &[u8; 32]) -> [u8; 32] {
        self.blinder.blinded(digest)
    }

    /// Forgets what this process believed of anybody: the next who shows
    /// something is looked up.
    pub fn forget(&self) {
        self.sessions.forget_all();
        self.own_tokens.forget_all();
        self.workers.forget_all();
        self.clients.forget_all();
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// An identity that sorts by the time it was given.
fn new_id(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}
