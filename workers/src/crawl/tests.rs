//! What crawls do on a web of our own: real servers, and no database.

mod bad_web;
mod crawling;
mod exports;
mod laws;
mod links;
mod politeness;
mod reading;
mod relevance;
mod site;
mod world;
