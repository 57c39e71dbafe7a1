//! Tokens, and what is kept of them.
//!
//! Each kind is a type of its own, so that none is taken for another, and none
//! shows its content in `Debug`. An opaque one is a prefix, which tells people
//! and leak scanners what they have found, and 256 random bits; the database
//! holds its SHA-256, which is enough for what nobody can guess.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

use crate::error::{IdentityError, Refusal};

/// The SHA-256 of a token.
pub(crate) type TokenHash = [u8; 32];

macro_rules! token {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// Takes what somebody showed; it need not be a good one.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The token itself, to be handed to its owner and nobody else.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

token! {
    /// Lets a user in for some minutes.
    AccessToken
}
token! {
    /// Gets the next pair of tokens, once.
    RefreshToken
}
token! {
    /// Lets a worker in until it is revoked.
    WorkerToken
}

token! {
    /// Lets a program of a user in, in the user's name.
    PersonalToken
}
token! {
    /// Lets the back end of another application in.
    ClientSecret
}
token! {
    /// What a letter brings: lets its reader choose a password, once.
    LetterToken
}

macro_rules! opaque {
    ($($name:ident $prefix:literal,)*) => {$(
        impl $name {
            pub(crate) const PREFIX: &str = $prefix;

            pub(crate) fn generate() -> Result<Self, IdentityError> {
                Ok(Self(opaque(Self::PREFIX)?))
            }

            pub(crate) fn hash(&self) -> Result<TokenHash, Refusal> {
                hash_of(Self::PREFIX, &self.0)
            }
        }
    )*};
}

opaque! {
    RefreshToken "grfr_",
    WorkerToken "grfw_",
    PersonalToken "greffe_pat_",
    ClientSecret "greffe_cs_",
    LetterToken "grfl_",
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], IdentityError> {
    let mut bytes = [0; N];
    OsRng.try_fill_bytes(&mut bytes).map_err(IdentityError::broken)?;
    Ok(bytes)
}

/// Random bytes as text that goes anywhere.
pub(crate) fn random_text<const N: usize>() -> Result<String, IdentityError> {
    Ok(URL_SAFE_NO_PAD.encode(random::<N>()?))
}

fn opaque(prefix: &str) -> Result<String, IdentityError> {
    Ok(format!("{prefix}{}", random_text::<32>()?))
}

/// Looks at the form first: what cannot be a token is not worth a query.
fn hash_of(prefix: &str, token: &str) -> Result<TokenHash, Refusal> {
    let secret = token.strip_prefix(prefix).ok_or(Refusal::TokenInvalid)?;
    match URL_SAFE_NO_PAD.decode(secret) {
        Ok(bytes) if bytes.len() == 32 => Ok(Sha256::digest(token).into()),
        Ok(_) | Err(_) => Err(Refusal::TokenInvalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_token() {
        let refresh = RefreshToken::generate().unwrap();
        let worker = WorkerToken::generate().unwrap();
        assert_eq!(format!("{:?}", AccessToken::new("secret")), "AccessToken(..)");
        assert_eq!(format!("{refresh:?}"), "RefreshToken(..)");
        assert_eq!(format!("{worker:?}"), "WorkerToken(..)");
    }

    #[test]
    fn one_kind_of_token_is_not_taken_for_another() {
        let refresh = RefreshToken::generate().unwrap();
        let worker = WorkerToken::generate().unwrap();
        assert!(refresh.hash().is_ok() && worker.hash().is_ok());
        assert_eq!(RefreshToken::new(worker.expose()).hash(), Err(Refusal::TokenInvalid));
        assert_eq!(WorkerToken::new(refresh.expose()).hash(), Err(Refusal::TokenInvalid));
    }

    #[test]
    fn what_has_not_the_form_of_a_token_is_refused_unread() {
        let good = RefreshToken::generate().unwrap();
        let short = &good.expose()[..good.expose().len() - 2];
        for text in ["", "grfr_", short, "grfr_éééé"] {
            assert_eq!(RefreshToken::new(text).hash(), Err(Refusal::TokenInvalid), "{text:?}");
        }
    }

    #[test]
    fn no_two_tokens_are_the_same() {
        let tokens: std::collections::HashSet<_> =
            (0..100).map(|_| RefreshToken::generate().unwrap().0).collect();
        assert_eq!(tokens.len(), 100);
    }
}
