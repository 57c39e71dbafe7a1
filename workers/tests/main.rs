//! What acts unasked, on a real database.

#[cfg(test)]
mod crawls;
// What helps the tests may unwrap, as they do.
#[cfg(test)]
mod executors;
#[cfg(test)]
mod registrar;
#[cfg(test)]
mod reports;
