//! The read side on a real Postgres: what is computed live, and what a rebuild
//! makes of the same journal.

// What helps the tests may unwrap, as they do.
#[cfg(test)]
mod tables;
