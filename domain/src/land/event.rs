//! What is written down about a land, for good.

use serde::{Deserialize, Serialize};

use super::Sketch;
use crate::{UserId, event_type::event_types};

event_types! {
    /// Something that happened to a land.
    LandEvent {
        LandCreated,
        LandChanged,
        LandTransferred,
        LandDeleted,
    }
}

/// Somebody made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandCreated {
    /// Whose it is.
    pub owner: UserId,
    /// What it is about.
    #[serde(flatten)]
    pub sketch: Sketch,
}

/// It is about something else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandChanged {
    /// What it is called now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is said about it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The languages that its terms are in now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub languages: Option<Vec<String>>,
    /// Terms that it did not have before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms_added: Vec<String>,
    /// Terms that it has no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms_removed: Vec<String>,
    /// URLs that its crawls did not start from before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub start_urls_added: Vec<String>,
    /// URLs that its crawls start from no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub start_urls_removed: Vec<String>,
}

/// It is somebody else's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandTransferred {
    /// Whose.
    pub to: UserId,
}

/// It is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandDeleted {}
