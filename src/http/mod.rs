//! Everything between the socket and the routes: connections and their limits, shutdown, health, and what happens to requests that panic or get stuck.

pub mod config;
mod harden;
mod head_timer;
mod listen;
pub mod ops;

pub use self::harden::{REFERENCE_HEADER, RequestLimits, harden};
pub use self::listen::{Drained, Limits, serve};
