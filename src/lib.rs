//! Lets people connect their chat account to [Novu](https://novu.co) by typing `/connect`.
//!
//! The map of the house, from the outside in; arrows run one way:
//!
//! - [`cli`]: one file for each subcommand; [`app`]: the service put together;
//! - [`slack`], [`teams`]: what each platform sends and is sent, and the proof that it is them;
//!   `page`: personal pages for both; `admin`: the admin API; [`http`]: connections, limits, health and figures;
//! - [`answering`]: from a question to its answer in front of one person, once for all platforms;
//! - [`core`]: who is this person, what is their link, what do we answer; [`words`]: in which words;
//!   `links`: the addresses of personal pages; `jobs`: durable work;
//! - [`doctor`]: looks at everything that the service depends on;
//! - [`audit`]: what an auditor asks for later, in chains of lines;
//! - [`novu`]: a typed client of Novu; [`store`]: what must not be forgotten;
//! - [`net`]: everything outgoing; [`config`]: the engine that reads the configuration;
//! - [`clock`], [`random`], `digest`, `metrics`, [`signing`], `seen`, `refused`, [`telemetry`],
//!   [`supervise`] and `tasks`, which keep what runs beside the requests from dying unnoticed, and
//!   `text`, which makes text from outside fit to be shown: what all of them stand on.
//!
//! `ARCHITECTURE.md` tells the path of a request and the invariants.

mod admin;
pub mod answering;
pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod core;
mod digest;
pub mod doctor;
pub mod http;
mod jobs;
mod links;
mod metrics;
pub mod net;
pub mod novu;
mod page;
pub mod random;
mod refused;
mod seen;
pub mod signing;
pub mod slack;
pub mod store;
pub mod supervise;
mod tasks;
pub mod teams;
pub mod telemetry;
mod text;
pub mod words;
