//! Stand-ins for the outside world: for the demo, for tests and for benchmarks.

pub mod bot_connector;
