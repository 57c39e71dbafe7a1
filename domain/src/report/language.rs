//! The languages that a report may be written in.

use serde::{Deserialize, Serialize};

/// What a language model writes in. Greffe itself writes in the words of the
/// sources, whatever they are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// French.
    #[default]
    Fr,
    /// German.
    De,
    /// Italian.
    It,
    /// English.
    En,
    /// Spanish.
    Es,
    /// Portuguese.
    Pt,
}
