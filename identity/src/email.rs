//! E-mails, as the key that one signs in with.
//!
//! Not a check that mail arrives, only that two spellings of one e-mail are
//! one user. ASCII, because lower case beyond it depends on who computes it.

use crate::error::Refusal;

/// An e-mail in lower case. Personal data, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct Email(String);

impl Email {
    /// Takes what a person typed.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        let whole = (3..=254).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_graphic());
        let parts = text.split_once('@').filter(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !host.contains('@') && name.len() <= 64
        });
        if whole && parts.is_some() {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(Refusal::EmailInvalid)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_spellings_of_one_email_are_the_same() {
        let one = Email::parse(" Ada@Example.ORG ").unwrap();
        assert_eq!(one, Email::parse("ada@example.org").unwrap());
        assert_eq!(one.as_str(), "ada@example.org");
    }

    #[test]
    fn what_is_no_email_is_refused() {
        let long = format!("{}@example.org", "a".repeat(243));
        let long_name = format!("{}@example.org", "a".repeat(65));
        for text in ["", "ada", "@example.org", "ada@", "a@b@c", "a da@b", "é@b.fr", "a@b\nc"] {
            assert_eq!(Email::parse(text), Err(Refusal::EmailInvalid), "{text:?}");
        }
        assert_eq!(Email::parse(&long), Err(Refusal::EmailInvalid));
        assert_eq!(Email::parse(&long_name), Err(Refusal::EmailInvalid));
    }

    #[test]
    fn debug_output_does_not_show_an_email() {
        assert!(!format!("{:?}", Email::parse("ada@example.org").unwrap()).contains("ada"));
    }

    proptest! {
        #[test]
        fn parsing_what_was_parsed_changes_nothing(text in "[ -~]{0,20}@[ -~]{0,20}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email));
            }
        }
    }
}
