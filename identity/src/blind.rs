//! Digests that tell nothing to who may only read them: without the key of this
//! installation nobody can find out by guessing what one is of.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{error::IdentityError, signing_key::SigningKey};

/// Keeps these apart from all else that the key is used for.
const PURPOSE: &[u8] = b"greffe digest of input\0";

/// Makes digests blind.
#[derive(Clone)]
pub(crate) struct Blinder(Hmac<Sha256>);

impl Blinder {
    /// By the first key that there ever was: a digest must be the same for as
    /// long as anybody may ask again. Keys are retired, never removed.
    pub(crate) fn new(keys: &[SigningKey]) -> Result<Self, IdentityError> {
        let first = keys.iter().min_by_key(|it| it.kid);
        let first = first.ok_or_else(|| IdentityError::broken("there is no key"))?;
        let mut blinder = Hmac::new_from_slice(&first.secret)
            .map_err(|_| IdentityError::broken("a key cannot be used"))?;
        blinder.update(PURPOSE);
        Ok(Self(blinder))
    }

    pub(crate) fn blinded(&self, digest: &[u8; 32]) -> [u8; 32] {
        self.0.clone().chain_update(digest).finalize().into_bytes().into()
    }
}

impl fmt::Debug for Blinder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blinder")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key(kid: u128, secret: u8, retired: bool) -> SigningKey {
        SigningKey { kid: Uuid::from_u128(kid), secret: vec![secret; 32], retired }
    }

    fn blinded(keys: &[SigningKey]) -> [u8; 32] {
        Blinder::new(keys).unwrap().blinded(&[7; 32])
    }

    #[test]
    fn a_digest_is_the_installations_own_and_stays_what_it_was() {
        let ours = blinded(&[key(1, 1, false)]);
        assert_ne!(ours, [7; 32]);
        assert_ne!(ours, blinded(&[key(1, 2, false)]), "another installation");
        assert_eq!(ours, blinded(&[key(2, 9, false), key(1, 1, true)]), "after a rotation");
        let other = Blinder::new(&[key(1, 1, false)]).unwrap().blinded(&[8; 32]);
        assert_ne!(ours, other);
    }
}
