//! Everything between the socket and the routes: connections and their limits, shutdown, health, and what happens to requests that panic or get stuck.

mod activity;
pub(crate) mod config;
pub(crate) mod files;
mod harden;
mod listen;
pub(crate) mod ops;
mod timed_stream;

pub use self::files::affordable_connections;
pub use self::harden::{REFERENCE_HEADER, RequestLimits, harden};
pub use self::listen::{Drained, Limits, serve};
