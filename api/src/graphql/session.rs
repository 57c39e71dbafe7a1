//! Signing in, staying in, signing out.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use domain::UserId;
use identity::{IdentityError, RefreshToken, Tokens};

use super::{
    access, account::told, fault::Result, identity, scalar::DateTime, sides, user::User,
    user_error::UserError,
};

/// Who wants to sign in.
#[derive(InputObject)]
struct SignInInput {
    /// With which account.
    email: String,
    /// Its password.
    #[graphql(secret)]
    password: String,
}

/// Who wants to stay signed in.
#[derive(InputObject)]
struct RefreshSessionInput {
    /// What signing in or the last refreshing gave. It is used up by this.
    #[graphql(secret)]
    refresh_token: String,
}

/// What signing in gives, or staying in.
#[derive(Default, SimpleObject)]
struct SessionPayload {
    /// To be sent as `Authorization: Bearer …`; null if there are user errors.
    access_token: Option<String>,
    /// When the access token is believed no longer.
    access_token_expires_at: Option<DateTime>,
    /// For `refreshSession`, once.
    refresh_token: Option<String>,
    /// Whose session it is.
    viewer: Option<User>,
    /// Why there is no session; empty if there is one.
    user_errors: Vec<UserError>,
}

/// What signing out gives.
#[derive(SimpleObject)]
struct SignOutPayload {
    /// Always true: a session that has ended already stays as it is.
    signed_out: bool,
    /// Always empty.
    user_errors: Vec<UserError>,
}

/// What one may do about one's session.
#[derive(Default)]
pub(super) struct SessionMutations;

#[Object]
impl SessionMutations {
    /// Starts a session. Public; to be sent without an access token.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who wants to sign in.")] input: SignInInput,
    ) -> Result<Option<SessionPayload>> {
        let now = sides(ctx).commands.now();
        answer(identity(ctx).sign_in(&input.email, &input.password, now).await)
    }

    /// Gives the next pair of tokens for a session, in exchange for its refresh token. Public; to
    /// be sent without an access token. A refresh token that is used twice ends its session.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who wants to stay signed in.")] input: RefreshSessionInput,
    ) -> Result<Option<SessionPayload>> {
        let sides = sides(ctx);
        let token = RefreshToken::new(input.refresh_token);
        answer(sides.identity.refresh(&token, sides.commands.now()).await)
    }

    /// Ends the session of the access token that this is sent with. For those who have signed in.
    async fn sign_out(&self, ctx: &Context<'_>) -> Result<Option<SignOutPayload>> {
        let user = access::in_session(ctx)?;
        let sides = sides(ctx);
        sides.identity.sign_out(user.session, sides.commands.now()).await?;
        Ok(Some(SignOutPayload { signed_out: true, user_errors: Vec::new() }))
    }
}

fn answer(tokens: std::result::Result<Tokens, IdentityError>) -> Result<Option<SessionPayload>> {
    Ok(Some(match told(tokens)? {
        Ok(tokens) => tokens.into(),
        Err(error) => SessionPayload {
            user_errors: vec![error.of_token("refreshToken")],
            ..SessionPayload::default()
        },
    }))
}

impl From<Tokens> for SessionPayload {
    fn from(it: Tokens) -> Self {
        Self {
            access_token: Some(it.access.expose().to_owned()),
            access_token_expires_at: Some(DateTime(it.access_expires_at)),
            refresh_token: Some(it.refresh.expose().to_owned()),
            viewer: Some(User::new(UserId(it.user.id))),
            user_errors: Vec::new(),
        }
    }
}
