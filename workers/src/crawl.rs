//! Crawls: pages are fetched from the web, politely and within bounds, and what
//! they say is kept.
//!
//! ```text
//!   seeds ──▶ frontier ──▶ hosts ──▶ visit: robots, web, charset, page, relevance
//!                ▲                              │
//!                └────── links ◀── judge ◀──────┘
//!                                    │
//!                                 batches ──▶ artifact of texts, then the event
//! ```
//!
//! [`engine`] is the crawl itself, and knows neither journal nor artifacts: what
//! it finds it hands out in batches, and it goes on from batches of an earlier
//! attempt. [`executor`] holds the lease, records the batches, and makes the
//! exports.

mod address;
mod batch;
mod charset;
mod corpus;
mod engine;
mod executor;
mod export;
mod frontier;
mod hosts;
mod language;
mod link;
mod page;
mod relevance;
mod resolve;
mod robots;
mod settings;
mod visit;
mod web;
mod weight;

pub use address::Allowed;
pub use executor::Crawler;
pub use settings::Settings;
pub use web::NoWeb;

#[cfg(test)]
mod tests;
