//! Lets people connect their chat account to [Novu](https://novu.co) by typing `/connect`.

pub mod cli;
pub mod clock;
pub mod config;
pub mod connect;
pub mod metrics;
pub mod novu;
pub mod outbound;
pub mod random;
pub mod sandbox;
pub mod server;
pub mod signing;
pub mod slack;
pub mod store;
pub mod teams;
pub mod telemetry;
