//! Passwords: their rules, and Argon2id.
//!
//! Hashing takes tens of milliseconds and 19 MiB on purpose, so it happens on
//! the blocking pool, and only as many at once as there are cores: a crowd at
//! the door waits, rather than filling the memory.

use std::sync::Arc;

use argon2::password_hash::{self, PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::error::{IdentityError, Refusal};
use crate::secret::{random, random_text};

pub(crate) const PASSWORD_CHARS_MIN: usize = 10;
pub(crate) const PASSWORD_BYTES_MAX: usize = 1024;

/// Length is the only rule: composition rules make passwords worse.
pub(crate) fn check_rules(password: &str) -> Result<(), Refusal> {
    if PASSWORD_BYTES_MAX < password.len() {
        return Err(Refusal::PasswordTooLong);
    }
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(Refusal::PasswordTooShort);
    }
    Ok(())
}

/// What a password turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    Right,
    /// Right, and hashed with other parameters than we now use.
    RightButOutdated,
}

/// Hashes and verifies, a bounded number at once.
#[derive(Clone)]
pub(crate) struct Hasher {
    turns: Arc<Semaphore>,
    /// The hash of a password that nobody has.
    nobody: Arc<str>,
}

impl Hasher {
    pub(crate) async fn new() -> Result<Self, IdentityError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut hasher = Self { turns: Arc::new(Semaphore::new(cores)), nobody: Arc::from("") };
        let nobody = random_text::<32>()?;
        hasher.nobody = Arc::from(hasher.hash(&nobody).await?);
        Ok(hasher)
    }

    pub(crate) async fn hash(&self, password: &str) -> Result<String, IdentityError> {
        let password = password.to_owned();
        self.in_turn(move || hash(&password)).await
    }

    /// Without a hash it takes as long as with one, and the answer is `Wrong`:
    /// time does not tell who has an account.
    pub(crate) async fn verify(
        &self,
        password: &str,
        hash: Option<&str>,
    ) -> Result<Verdict, IdentityError> {
        let known = hash.is_some();
        let password = password.to_owned();
        let hash = hash.unwrap_or(&self.nobody).to_owned();
        let verdict = self.in_turn(move || verify(&password, &hash)).await?;
        Ok(if known { verdict } else { Verdict::Wrong })
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, IdentityError> + Send + 'static,
    ) -> Result<T, IdentityError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(IdentityError::broken)?;
        // The turn goes with the work, which goes on when the caller hangs up.
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        })
        .await
        .map_err(IdentityError::broken)?
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hasher").field("turns", &self.turns).finish_non_exhaustive()
    }
}

/// Argon2id as OWASP advises: 19 MiB, two passes, one lane.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

fn hash(password: &str) -> Result<String, IdentityError> {
    let salt = SaltString::encode_b64(&random::<16>()?).map_err(broken)?;
    Ok(argon2().hash_password(password.as_bytes(), &salt).map_err(broken)?.to_string())
}

fn verify(password: &str, hash: &str) -> Result<Verdict, IdentityError> {
    let hash = PasswordHash::new(hash).map_err(broken)?;
    // The library takes a hash without its ends for a wrong password.
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(IdentityError::broken("a password hash has lost its salt or its output"));
    }
    match argon2().verify_password(password.as_bytes(), &hash) {
        Ok(()) => {}
        Err(password_hash::Error::Password) => return Ok(Verdict::Wrong),
        Err(error) => return Err(broken(error)),
    }
    let params = Params::try_from(&hash).map_err(broken)?;
    let of_now = argon2();
    let costs = |it: &Params| (it.m_cost(), it.t_cost(), it.p_cost());
    let current = hash.algorithm == Algorithm::Argon2id.ident()
        && hash.version == Some(Version::V0x13.into())
        && costs(&params) == costs(of_now.params());
    Ok(if current { Verdict::Right } else { Verdict::RightButOutdated })
}

/// The library's errors name no source; their text is all there is.
fn broken(error: password_hash::Error) -> IdentityError {
    IdentityError::broken(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_enough_in_characters_and_short_enough_in_bytes() {
        assert_eq!(check_rules("é".repeat(9).as_str()), Err(Refusal::PasswordTooShort));
        assert_eq!(check_rules("é".repeat(10).as_str()), Ok(()));
        assert_eq!(check_rules(&"a".repeat(1024)), Ok(()));
        assert_eq!(check_rules(&"a".repeat(1025)), Err(Refusal::PasswordTooLong));
    }

    #[test]
    fn a_hash_is_argon2id_and_tells_its_password_from_others() {
        let hash = hash("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(verify("correct horse", &hash).unwrap(), Verdict::Right);
        assert_eq!(verify("correct  horse", &hash).unwrap(), Verdict::Wrong);
    }

    #[test]
    fn a_hash_of_other_parameters_is_outdated() {
        let salt = SaltString::encode_b64(&[7; 16]).unwrap();
        let cheap =
            Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).unwrap());
        let hash = cheap.hash_password(b"correct horse", &salt).unwrap().to_string();
        assert_eq!(verify("correct horse", &hash).unwrap(), Verdict::RightButOutdated);
        assert_eq!(verify("something else", &hash).unwrap(), Verdict::Wrong);
    }

    #[test]
    fn two_hashes_of_one_password_differ() {
        assert_ne!(hash("correct horse").unwrap(), hash("correct horse").unwrap());
    }

    #[tokio::test]
    async fn a_hash_of_nobody_is_never_right() {
        let hasher = Hasher::new().await.unwrap();
        assert_eq!(hasher.verify("correct horse", None).await.unwrap(), Verdict::Wrong);
    }
}
