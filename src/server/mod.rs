//! Everything between the socket and the routes: connections, their limits, shutdown, and what
//! happens to requests that panic or get stuck.

mod harden;
mod head_timer;
mod listen;

pub use self::harden::{REFERENCE_HEADER, RequestLimits, harden};
pub use self::listen::{Drained, Limits, serve};
