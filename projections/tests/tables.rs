//! One module for each promise of the read side.

mod beats;
mod changes;
mod corpus;
mod dispatch;
mod filter;
mod following;
mod halting;
mod lists;
mod lives;
mod logs;
mod lowest;
mod quotas;
mod rebuild;
mod statistics;
mod timeline;
mod waiting;
mod workers;
mod world;
