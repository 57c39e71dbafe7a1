//! Who is asking, as the resolvers see it: nobody in particular, or a user with a role.

use std::sync::Arc;

use commands::{Asked, Clock};
use domain::{Actor, Timestamp, UserId, actor::Role};
use futures::FutureExt;
use identity::{AccessToken, Identity, IdentityError, Principal, Refusal};
use uuid::Uuid;

use crate::transport::{Authenticate, Bearer, Denied, Session};

/// Who is asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Somebody without a token.
    Anonymous,
    /// Somebody who has signed in.
    User(SignedIn),
}

/// Somebody who has signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// Who it is.
    pub user: UserId,
    /// What they may do, as of now.
    pub role: Role,
    /// The session that they are in.
    pub session: Uuid,
    /// Until when this holds.
    pub expires_at: Timestamp,
}

impl SignedIn {
    /// As commands see them.
    pub fn actor(&self) -> Actor {
        Actor::User { id: self.user, role: self.role }
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
        let Principal { user, role, session, expires_at } = it;
        Self { user: UserId(user), role: role_of(role), session, expires_at }
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

/// Tells the transport who bears a token: resolvers find a [`Viewer`] in their context.
pub fn authenticate(identity: Identity, clock: Clock) -> Authenticate {
    Arc::new(move |bearer: Option<Bearer>| {
        let (identity, clock) = (identity.clone(), Arc::clone(&clock));
        async move {
            let Some(bearer) = bearer else { return Ok(Session::anonymous(Viewer::Anonymous)) };
            let token = AccessToken::new(bearer.reveal());
            let principal = identity.verify_access(&token, clock()).await.map_err(denied)?;
            let viewer = SignedIn::from(principal);
            let until = Some(viewer.expires_at);
            Ok(Session::signed_in(viewer.user.to_string(), until, Viewer::User(viewer)))
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
        IdentityError::Unavailable(_) | IdentityError::Broken(_) => Denied::Broken(error.into()),
    }
}
