//! The whole service under load, beside a bare axum handler that does the same work.
//!
//! `cargo bench --bench load` starts each part as a process of its own on loopback: the stand-ins for
//! Novu, Slack and Microsoft Teams, the neighbour, and the product's own binary. Every request is
//! distinct and signed. What counts is processor time for each request, because it holds on a machine
//! that others use too; the ratio is taken in pairs, one round of each after the other, and both have
//! to make the same calls.
//!
//! `LOAD_STORE` says where the product keeps its promises: `memory`, which is the default, `sqlite` or
//! `postgres`. With one of the others it is also set beside itself with `memory`. The server of
//! PostgreSQL is a private one on this machine; its processor time is not counted.
//!
//! `LOAD_REQUESTS` and `LOAD_ROUNDS` change the size of a run, `LOAD_RATE` that of its steady part, and
//! `LOAD_ONLY=slack`, `known`, `teams`, `promises` or `watches` leaves the others out. `LOAD_TEAMS_REQUESTS`
//! and `LOAD_TEAMS_RATE` are for messages in Teams alone, `LOAD_WATCHED`, `LOAD_WATCH_REQUESTS` and
//! `LOAD_WATCH_RATE` for links that are watched. For a quick look: `LOAD_ROUNDS=1 LOAD_REQUESTS=2000`.
//!
//! After `npm install --prefix benches/peers` the product is also set beside what others would build
//! the same with: Bolt for JavaScript, and Microsoft's Agents SDK. `LOAD_PEER_REQUESTS` and
//! `LOAD_PEER_RATE` change those parts.
#![expect(clippy::expect_used, reason = "a benchmark that cannot run says why and ends")]
#![expect(clippy::print_stdout, reason = "the report is what it is for")]
#![expect(clippy::cast_precision_loss, reason = "figures to read")]

mod bare;
mod client;
mod control;
mod field;
mod pairs;
mod process;
mod promises;
mod slack;
mod store;
mod teams;
mod upstream;
mod watches;

use store::Store;

/// What Slack's requests are signed with.
const SECRET: &str = "load-signing-secret";
/// Connections of the saturating runs.
const CONNECTIONS: usize = 32;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match std::env::var_os("LOAD_ROLE").as_deref().and_then(|role| role.to_str()) {
        Some("bare") => runtime.block_on(bare::serve()),
        Some("upstream") => runtime.block_on(upstream::serve()),
        _ => runtime.block_on(report()),
    }
}

/// A number from the environment.
fn number(name: &str, default: u64) -> u64 {
    std::env::var_os(name).and_then(|text| text.to_str()?.parse().ok()).unwrap_or(default)
}

async fn report() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{cores} cores, load before the run {}", load.trim());
    let size =
        std::fs::metadata(env!("CARGO_BIN_EXE_novu-connect-bot")).map_or(0, |file| file.len());
    println!("binary {:.1} MiB", size as f64 / 1024.0 / 1024.0);
    println!("promises are kept in {}", Store::chosen().name());
    let only = std::env::var_os("LOAD_ONLY");
    if only.as_ref().is_none_or(|only| only == "slack") {
        slack::report().await;
    }
    if only.as_ref().is_some_and(|only| only == "known") {
        slack::known().await;
    }
    if only.as_ref().is_none_or(|only| only == "teams") {
        teams::report().await;
    }
    if only.as_ref().is_none_or(|only| only == "promises") {
        promises::report().await;
    }
    if only.as_ref().is_some_and(|only| only == "watches") {
        watches::report().await;
    }
}
