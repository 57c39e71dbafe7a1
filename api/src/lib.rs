//! What the world sees of Greffe, and nothing more.
//!
//! Translates between the wire and the two sides of the system; it contains no
//! rule of the domain and no SQL. [`transport`] carries GraphQL over HTTP and
//! sockets, [`graphql`] is what it carries, [`graphiql`] serves its explorer,
//! [`problem`] is how everything that is not GraphQL says no. [`rest`] is the
//! table of all routes, and says for whom each is; [`serve`] puts all of it on
//! one address.

pub mod accounts;
pub mod problem;
pub mod transport;
pub mod viewer;
pub mod graphql;
pub mod graphiql;
mod artifacts;
mod caller_address;
mod cors;
mod health;
mod metrics;
mod request;
mod rest;
mod server;
pub mod worker;

pub use caller_address::{NoRange, TrustedProxies};
pub use cors::{NoOrigin, Origin};
pub use server::{Api, ServeError, Settings, serve};
