//! Lets people connect their chat account to [Novu](https://novu.co) by typing `/connect`.
//!
//! The map of the house, from the outside in; arrows run one way:
//!
//! - [`cli`]: one file for each subcommand; [`config`]: every key, documented once;
//! - [`server`]: the service put together, connections, shutdown, health and figures;
//! - [`slack`], [`teams`]: what each platform sends and is sent, and the proof that it is them;
//!   [`link`]: personal pages for both; [`manifest`]: how the platforms come to know the bot;
//! - [`connect`]: the core: who is this person, what is their link, what do we answer;
//! - [`novu`]: a typed client of Novu; [`store`]: promises that are not kept yet;
//! - [`clock`], [`random`], [`outbound`], [`metrics`], [`signing`], [`seen`], [`telemetry`]: what all
//!   of them stand on;
//! - [`sandbox`]: stand-ins for Novu, Slack and Teams, for the demonstration, tests and benchmarks.
//!
//! `ARCHITECTURE.md` tells the path of a request and the invariants.

pub mod cli;
pub mod clock;
pub mod config;
pub mod connect;
pub mod link;
pub mod manifest;
pub mod metrics;
pub mod novu;
pub mod outbound;
pub mod random;
pub mod sandbox;
pub mod seen;
pub mod server;
pub mod signing;
pub mod slack;
pub mod store;
pub mod teams;
pub mod telemetry;
