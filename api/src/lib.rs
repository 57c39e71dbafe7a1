//! What the world sees of Greffe, and nothing more.
//!
//! Translates between the wire and the two sides of the system; it contains no
//! rule of the domain and no SQL. [`transport`] carries GraphQL over HTTP and
//! sockets, [`graphiql`] serves its explorer, [`problem`] is how everything
//! that is not GraphQL says no.

pub mod problem;
pub mod transport;
pub mod graphiql;
