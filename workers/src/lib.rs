//! Whatever acts unasked: what ends leases that nobody holds any more, and
//! queues jobs whose time has come.
//!
//! Every part can run in any number of processes: what one of them has done,
//! the rules refuse to the others. Nothing is decided here; each part looks at
//! a table and gives a command.

mod patrol;
pub mod rescuer;
pub mod scheduler;

pub use rescuer::Rescuer;
pub use scheduler::Scheduler;
