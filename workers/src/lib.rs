//! Whatever acts unasked: what ends leases that nobody holds any more, queues
//! jobs whose time has come, and does the jobs of the built-in services.
//!
//! Every part can run in any number of processes: what one of them has done,
//! the rules refuse to the others. Nothing is decided here; each part looks at
//! a table and gives a command.

pub mod crawl;
pub mod executor;
pub mod keeper;
mod patrol;
mod reactor;
pub mod registrar;
pub mod report;
pub mod rescuer;
pub mod scheduler;
pub mod tls;

pub use crawl::Crawler;
pub use executor::{Attempt, Execute, Executor, Finish, Handle, Level, Outcome, Stop};
pub use keeper::Keeper;
pub use registrar::Registrar;
pub use report::{EXTRACT_TEXT, Ollama, OllamaSettings, Reader, Reports, extract_text};
pub use rescuer::Rescuer;
pub use scheduler::Scheduler;
