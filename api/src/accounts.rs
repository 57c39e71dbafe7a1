//! Accounts, between the tables that hold who people are and the journal that
//! holds what happens to them.
//!
//! [`Recording`] is the ledger of `identity`: what is about to happen to an
//! account becomes a command, and what was recorded is read back. [`Keeper`]
//! lets take effect what a process that died has recorded, ends sockets whose
//! session is over, and has letters sent by a [`Post`]. At the `entrance` the
//! back ends of other applications get their tokens; on the `password_page` those
//! choose a password who got a letter. No rule lives here.

mod endings;
pub(crate) mod entrance;
mod keeper;
pub(crate) mod password_page;
mod post;
mod recording;
mod translation;

pub use endings::Endings;
pub use keeper::Keeper;
pub use post::{Post, PostError, SmtpSettings};
pub use recording::Recording;
pub(crate) use translation::word_of;
