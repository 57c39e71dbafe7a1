//! Who is asking, as the resolvers see it: nobody in particular, or a user with a role.

use std::sync::Arc;

use commands::{Asked, Clock};
use domain::{
    Actor, Timestamp, UserId,
    actor::{Role, ServiceScope},
};
use futures::FutureExt;
use identity::{AccessToken, Identity, IdentityError, Principal, Refusal, TokenScope};
use uuid::Uuid;

use crate::accounts::Endings;
use crate::transport::{Authenticate, Bearer, Denied, Session};

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Somebody without a token.
    Anonymous,
    /// Somebody who was let in.
    User(SignedIn),
}

/// Somebody who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// Who it is; for the back end of another application, its own id.
    pub user: UserId,
    /// What they may do, as of now.
    pub role: Role,
    /// What they came in by: a session, a token or a client.
    pub session: Uuid,
    /// How they came in.
    pub through: Through,
    /// Until when this holds; for good, with some personal tokens.
    pub expires_at: Option<Timestamp>,
}

/// How somebody came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Through {
    /// They have signed in.
    Session,
    /// By a personal token, to look only or to do things too.
    Token(TokenScope),
    /// As the back end of another application, for these services.
    Client(ServiceScope),
}

impl SignedIn {
    /// As commands see them. With a token to look, one only looks.
    pub fn actor(&self) -> Actor {
        match &self.through {
            Through::Session | Through::Token(TokenScope::Write) => {
                Actor::User { id: self.user, role: self.role }
            }
            Through::Token(TokenScope::Read) => Actor::User { id: self.user, role: Role::Viewer },
            Through::Client(scope) => Actor::Client { id: self.user, scope: scope.clone() },
        }
    }

    /// As the read side sees them.
    pub fn eyes(&self) -> projections::Viewer {
        if self.role.sees_all() {
            projections::Viewer::All
        } else {
            projections::Viewer::Owner(self.user)
        }
    }

    /// A command of theirs, which `correlation` ties to all that it leads to.
    pub fn asks(&self, correlation: Uuid) -> Asked {
        Asked { correlation: Some(correlation), ..Asked::by(self.actor()) }
    }
}

impl From<Principal> for SignedIn {
    fn from(it: Principal) -> Self {
        let Principal { user, role, session, through, expires_at } = it;
        let through = match through {
            identity::Through::Session => Through::Session,
            identity::Through::Token(scope) => Through::Token(scope),
            identity::Through::Client(names) => {
                // What is no name of a service is a name of none.
                let names = names.iter().filter_map(|it| it.parse().ok()).collect();
                Through::Client(ServiceScope::Named(Arc::new(names)))
            }
        };
        Self { user: UserId(user), role: role_of(role), session, through, expires_at }
    }
}

/// A word of `identity`, as the domain understands it.
pub fn role_of(role: identity::Role) -> Role {
    match role {
        identity::Role::Admin => Role::Admin,
        identity::Role::Operator => Role::Operator,
        identity::Role::Member => Role::Member,
        identity::Role::Viewer => Role::Viewer,
    }
}

/// Tells the transport who bears a token: resolvers find a [`Viewer`] in their context. Whoever is
/// let in hears when that ends.
pub fn authenticate(identity: Identity, endings: Endings, clock: Clock) -> Authenticate {
    Arc::new(move |bearer: Option<Bearer>| {
        let (identity, endings, clock) = (identity.clone(), endings.clone(), Arc::clone(&clock));
        async move {
            let Some(bearer) = bearer else { return Ok(Session::anonymous(Viewer::Anonymous)) };
            let token = AccessToken::new(bearer.reveal());
            loop {
                let told = endings.told();
                let principal = identity.verify_access(&token, clock()).await.map_err(denied)?;
                let viewer = SignedIn::from(principal);
                let ended = endings.of(viewer.user, viewer.session);
                // What ended while one looked may have been this.
                if endings.told() != told {
                    continue;
                }
                let (subject, until) = (viewer.user.to_string(), viewer.expires_at);
                return Ok(Session::signed_in(subject, until, Viewer::User(viewer)).until(ended));
            }
        }
        .boxed()
    })
}

fn denied(error: IdentityError) -> Denied {
    match error {
        IdentityError::Refused(Refusal::TokenExpired) => Denied::Expired,
        IdentityError::Refused(
            Refusal::SessionEnded | Refusal::UserDisabled | Refusal::TokenRevoked,
        ) => Denied::Revoked,
        IdentityError::Refused(_) => Denied::Malformed,
        IdentityError::Contended | IdentityError::Unavailable(_) | IdentityError::Broken(_) => {
            Denied::Broken(error.into())
        }
    }
}
