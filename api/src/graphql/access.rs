//! Who may use a field. To read anything of a job, a resolver needs the eyes of somebody, and here
//! is where it gets them; so a field that forgets to ask has nothing to show.

use async_graphql::Context;
use domain::actor::Role;

use super::fault::{Fault, Result};
use crate::viewer::{SignedIn, Through, Viewer};

/// Whoever is asking, if they have signed in.
pub(super) fn viewer<'a>(ctx: &Context<'a>) -> Option<&'a SignedIn> {
    match ctx.data_opt::<Viewer>() {
        Some(Viewer::User(user)) => Some(user),
        Some(Viewer::Anonymous) | None => None,
    }
}

/// Those who have signed in.
pub(super) fn signed_in<'a>(ctx: &Context<'a>) -> Result<&'a SignedIn> {
    viewer(ctx).ok_or(Fault::Unauthenticated)
}

/// Those who have signed in themselves: what is about one's account is not for programs.
pub(super) fn in_session<'a>(ctx: &Context<'a>) -> Result<&'a SignedIn> {
    let user = signed_in(ctx)?;
    match user.through {
        Through::Session => Ok(user),
        Through::Token(_) | Through::Client(_) => {
            Err(Fault::Forbidden("for people who have signed in, not for tokens or clients"))
        }
    }
}

/// Admins who have signed in themselves.
pub(super) fn admin<'a>(ctx: &Context<'a>) -> Result<&'a SignedIn> {
    let user = in_session(ctx)?;
    if user.role == Role::Admin { Ok(user) } else { Err(Fault::Forbidden("for admins")) }
}

/// Admins and operators.
pub(super) fn auditor<'a>(ctx: &Context<'a>) -> Result<&'a SignedIn> {
    let user = signed_in(ctx)?;
    if user.role.sees_all() { Ok(user) } else { Err(Fault::Forbidden("for admins and operators")) }
}
