//! What one may ask of a land.

use super::Sketch;
use crate::UserId;

/// What one may ask of a land.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LandCommand {
    /// Make it.
    CreateLand {
        /// Whose it is to be.
        owner: UserId,
        /// What it is to be about.
        sketch: Sketch,
    },
    /// Have it be about something else.
    ChangeLand(LandChange),
    /// Have it gone. Its crawls stay.
    DeleteLand,
    /// Give it to somebody else. Its crawls stay with whom they belong to.
    TransferLand {
        /// Only if it is theirs still; whosever it is, if nobody is named.
        from: Option<UserId>,
        /// To whom.
        to: UserId,
    },
}

/// What is to be different about a land. What is not said stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LandChange {
    /// What it is to be called.
    pub name: Option<String>,
    /// What is to be said about it.
    pub description: Option<String>,
    /// The languages that its terms are in, from now on.
    pub languages: Option<Vec<String>>,
    /// Terms that it is to have.
    pub terms_added: Vec<String>,
    /// Terms that it is to have no more.
    pub terms_removed: Vec<String>,
    /// URLs that its crawls are to start from.
    pub start_urls_added: Vec<String>,
    /// URLs that its crawls are to start from no more.
    pub start_urls_removed: Vec<String>,
}

impl LandCommand {
    /// The name that it is authorised, counted and logged under.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateLand { .. } => "CreateLand",
            Self::ChangeLand(_) => "ChangeLand",
            Self::DeleteLand => "DeleteLand",
            Self::TransferLand { .. } => "TransferLand",
        }
    }
}
