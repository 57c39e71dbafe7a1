//! One's own account: having one, its password, its sessions, its tokens.

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use domain::UserId;
use identity::{Author, Identity, IdentityError, LetterToken, OwnToken, SessionInfo, TokenScope};

use super::{
    access,
    fault::{Fault, Result},
    identity,
    scalar::DateTime,
    sides,
    user::User,
    user_error::UserError,
};
use crate::{accounts::word_of, viewer::SignedIn};

/// What a letter is written in.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum Language {
    /// English.
    En,
    /// French.
    Fr,
}

impl From<Language> for identity::Language {
    fn from(it: Language) -> Self {
        match it {
            Language::En => Self::English,
            Language::Fr => Self::French,
        }
    }
}

/// What a personal token is good for.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum ApiTokenScope {
    /// To look at what its owner sees.
    Read,
    /// Also to do what its owner may do with jobs.
    Write,
}

impl From<ApiTokenScope> for TokenScope {
    fn from(it: ApiTokenScope) -> Self {
        match it {
            ApiTokenScope::Read => Self::Read,
            ApiTokenScope::Write => Self::Write,
        }
    }
}

/// A device that has signed in and not out.
#[derive(SimpleObject)]
pub(super) struct Session {
    /// Names it; a UUID.
    id: ID,
    /// When it signed in.
    created_at: DateTime,
    /// When it was carried on last.
    refreshed_at: DateTime,
    /// When it must sign in again.
    expires_at: DateTime,
    /// Whether it is the one that asks.
    current: bool,
}

impl Session {
    pub(super) fn new(it: SessionInfo, current: bool) -> Self {
        Self {
            id: it.id.into(),
            created_at: DateTime(it.created_at),
            refreshed_at: DateTime(it.refreshed_at),
            expires_at: DateTime(it.expires_at),
            current,
        }
    }
}

/// A token that a program comes with in its owner's name. The token itself is shown once, when it
/// is made.
#[derive(SimpleObject)]
pub(super) struct ApiToken {
    /// Names it without being it; a UUID.
    id: ID,
    /// What its owner calls it.
    name: String,
    /// What it is good for.
    scope: ApiTokenScope,
    /// When it was made.
    created_at: DateTime,
    /// Until when it is good; null if there is no such time.
    expires_at: Option<DateTime>,
    /// When it was last used, to the minute.
    last_used_at: Option<DateTime>,
}

impl From<OwnToken> for ApiToken {
    fn from(it: OwnToken) -> Self {
        let scope = match it.scope {
            TokenScope::Read => ApiTokenScope::Read,
            TokenScope::Write => ApiTokenScope::Write,
        };
        Self {
            id: it.id.into(),
            name: it.name,
            scope,
            created_at: DateTime(it.created_at),
            expires_at: it.expires_at.map(DateTime),
            last_used_at: it.last_used_at.map(DateTime),
        }
    }
}

/// Who wants an account.
#[derive(InputObject)]
struct SignUpInput {
    /// The e-mail to sign in with; not with an invitation, which was sent to one.
    email: Option<String>,
    /// What the letter of an invitation brought.
    #[graphql(secret)]
    invitation: Option<String>,
    /// The password: 10 characters or more.
    #[graphql(secret)]
    password: String,
}

/// Who has forgotten their password.
#[derive(InputObject)]
struct RequestPasswordResetInput {
    /// What they sign in with.
    email: String,
    /// What the letter is written in.
    #[graphql(default_with = "Language::En")]
    language: Language,
}

/// Who chooses a password by a letter.
#[derive(InputObject)]
struct ResetPasswordInput {
    /// What the letter brought. It is used up by this.
    #[graphql(secret)]
    token: String,
    /// The password: 10 characters or more.
    #[graphql(secret)]
    password: String,
}

/// Who wants another password.
#[derive(InputObject)]
struct ChangePasswordInput {
    /// The one of now.
    #[graphql(secret)]
    current_password: String,
    /// The other one: 10 characters or more.
    #[graphql(secret)]
    password: String,
}

/// Which session is to end.
#[derive(InputObject)]
struct RevokeSessionInput {
    /// Its id.
    id: ID,
}

/// What token is wanted.
#[derive(InputObject)]
struct CreateApiTokenInput {
    /// What to call it: 1 to 100 characters, not all of them spaces.
    name: String,
    /// What it is to be good for.
    scope: ApiTokenScope,
    /// Until when; for good, if not said.
    #[graphql(default)]
    expires_at: MaybeUndefined<DateTime>,
}

/// Which token is to be good no more.
#[derive(InputObject)]
struct RevokeApiTokenInput {
    /// Its id.
    id: ID,
}

/// What came of something about one's account.
#[derive(SimpleObject)]
pub(super) struct AccountPayload {
    /// Whose account it is; null if it is not done, or not to be told.
    user: Option<User>,
    /// Why it is not done; empty if it is.
    user_errors: Vec<UserError>,
}

/// What asking for a letter gives: the same, whoever has an account.
#[derive(SimpleObject)]
struct RequestPasswordResetPayload {
    /// Always true.
    accepted: bool,
    /// Empty, but for too many requests.
    user_errors: Vec<UserError>,
}

/// A new token.
#[derive(SimpleObject)]
struct CreateApiTokenPayload {
    /// The token itself, shown here and never again; null if there are user errors.
    token: Option<String>,
    /// What is kept of it.
    api_token: Option<ApiToken>,
    /// Why there is none; empty if there is one.
    user_errors: Vec<UserError>,
}

impl AccountPayload {
    /// What is refused is told; what is broken is a fault.
    pub(super) fn of(done: std::result::Result<Option<UserId>, IdentityError>) -> Result<Self> {
        Ok(match told(done)? {
            Ok(user) => Self { user: user.map(User::new), user_errors: Vec::new() },
            Err(error) => Self { user: None, user_errors: vec![error] },
        })
    }
}

/// What is refused is data, what is broken a fault.
pub(super) fn told<T>(
    done: std::result::Result<T, IdentityError>,
) -> Result<std::result::Result<T, UserError>> {
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(IdentityError::Refused(refusal)) => Ok(Err(UserError::from(&refusal))),
        Err(error) => Err(error.into()),
    }
}

/// The accounts, on behalf of whoever is asking.
pub(super) fn on_behalf_of(ctx: &Context<'_>, user: &SignedIn) -> Identity {
    let author = Author::User { id: user.user.0, role: word_of(user.role) };
    identity(ctx).on_behalf_of(author)
}

/// What an id names.
pub(super) fn uuid(id: &ID) -> Result<uuid::Uuid> {
    id.parse().map_err(|_| Fault::bad_input("id", "a UUID"))
}

/// What one may do about one's own account.
#[derive(Default)]
pub(super) struct AccountMutations;

#[Object]
impl AccountMutations {
    /// Makes an account for who asks: where anybody may have one, or by an invitation. Sign in
    /// afterwards. Public.
    async fn sign_up(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who wants an account.")] input: SignUpInput,
    ) -> Result<Option<AccountPayload>> {
        let (identity, now) = (identity(ctx), sides(ctx).commands.now());
        let done = match (&input.email, input.invitation) {
            (None, Some(token)) => {
                identity.accept_invitation(&LetterToken::new(token), &input.password, now).await
            }
            (Some(email), None) => identity.sign_up(email, &input.password, now).await,
            (Some(_), Some(_)) | (None, None) => {
                return Err(Fault::bad_input("input", "either an e-mail or an invitation"));
            }
        };
        AccountPayload::of(done.map(|it| Some(UserId(it.id)))).map(Some)
    }

    /// Has a letter sent by which the password can be changed, if anybody has this e-mail; the
    /// answer does not tell. Public.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who has forgotten their password.")] input: RequestPasswordResetInput,
    ) -> Result<Option<RequestPasswordResetPayload>> {
        let (identity, now) = (identity(ctx), sides(ctx).commands.now());
        let asked = identity.request_password_reset(&input.email, input.language.into(), now);
        let user_errors = told(asked.await)?.err().into_iter().collect();
        Ok(Some(RequestPasswordResetPayload { accepted: true, user_errors }))
    }

    /// Changes a password by what a letter brought. Ends all sessions of its owner, who is not
    /// told here. Public.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who chooses a password.")] input: ResetPasswordInput,
    ) -> Result<Option<AccountPayload>> {
        let (identity, now) = (identity(ctx), sides(ctx).commands.now());
        let token = LetterToken::new(input.token);
        let done = identity.reset_password(&token, &input.password, now).await;
        AccountPayload::of(done.map(|()| None)).map(Some)
    }

    /// Changes one's own password. Ends all other sessions. For those who have signed in, not by a
    /// token.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who wants another password.")] input: ChangePasswordInput,
    ) -> Result<Option<AccountPayload>> {
        let user = access::in_session(ctx)?;
        let (identity, now) = (identity(ctx), sides(ctx).commands.now());
        let whose = (user.user.0, user.session);
        let done = identity.change_password(whose, &input.current_password, &input.password, now);
        AccountPayload::of(done.await.map(|()| Some(user.user))).map(Some)
    }

    /// Ends all one's sessions, this one too. For those who have signed in, not by a token.
    async fn sign_out_everywhere(&self, ctx: &Context<'_>) -> Result<Option<AccountPayload>> {
        let user = access::in_session(ctx)?;
        let now = sides(ctx).commands.now();
        let done = on_behalf_of(ctx, user).sign_out_everywhere(user.user.0, now).await;
        AccountPayload::of(done.map(|()| Some(user.user))).map(Some)
    }

    /// Ends one of one's sessions; its sockets close within a second. For those who have signed
    /// in, not by a token.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which session is to end.")] input: RevokeSessionInput,
    ) -> Result<Option<AccountPayload>> {
        let user = access::in_session(ctx)?;
        let now = sides(ctx).commands.now();
        let session = uuid(&input.id)?;
        let done = on_behalf_of(ctx, user).revoke_session(user.user.0, session, now).await;
        AccountPayload::of(done.map(|()| Some(user.user))).map(Some)
    }

    /// Makes a token that a program comes with in one's name, where an access token is asked for.
    /// For those who have signed in, not by a token.
    async fn create_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What token is wanted.")] input: CreateApiTokenInput,
    ) -> Result<Option<CreateApiTokenPayload>> {
        let user = access::in_session(ctx)?;
        let now = sides(ctx).commands.now();
        let good = (input.scope.into(), input.expires_at.take().map(|it| it.0));
        let made =
            on_behalf_of(ctx, user).create_own_token(user.user.0, &input.name, good, now).await;
        Ok(Some(match told(made)? {
            Ok((kept, token)) => CreateApiTokenPayload {
                token: Some(token.expose().to_owned()),
                api_token: Some(kept.into()),
                user_errors: Vec::new(),
            },
            Err(error) => {
                CreateApiTokenPayload { token: None, api_token: None, user_errors: vec![error] }
            }
        }))
    }

    /// Lets nobody come with a token of one's own any more. For those who have signed in, not by
    /// a token.
    async fn revoke_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which token is to be good no more.")] input: RevokeApiTokenInput,
    ) -> Result<Option<AccountPayload>> {
        let user = access::in_session(ctx)?;
        let now = sides(ctx).commands.now();
        let token = uuid(&input.id)?;
        let done = on_behalf_of(ctx, user).revoke_own_token(user.user.0, token, now).await;
        AccountPayload::of(done.map(|()| Some(user.user))).map(Some)
    }
}
