//! What acts unasked, on a real database.

mod executors;
