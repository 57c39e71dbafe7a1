//! The system, from the outside. One binary: it links once.

mod tidy;
