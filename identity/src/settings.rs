//! What an operator decides about accounts.

use chrono::TimeDelta;

/// How long things last, and who may come.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long an access token is believed.
    pub access_lifetime: TimeDelta,
    /// How long after sign-in one must sign in again, come what may.
    pub session_lifetime: TimeDelta,
    /// How long a session may lie unused.
    pub session_idle: TimeDelta,
    /// Who may have an account.
    pub registration: Admission,
}

/// Who may have an account, apart from those for whom an administrator makes
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Whoever wants to.
    Open,
    /// Those who were invited.
    Invited,
    /// Nobody.
    Closed,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_lifetime: TimeDelta::minutes(15),
            session_lifetime: TimeDelta::days(30),
            session_idle: TimeDelta::days(7),
            registration: Admission::Invited,
        }
    }
}
