//! What acts unasked, on a real database.

// What helps the tests may unwrap, as they do.
#[cfg(test)]
mod world;

#[cfg(test)]
mod crawls;
#[cfg(test)]
mod executors;
#[cfg(test)]
mod registrar;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod rescuer;
