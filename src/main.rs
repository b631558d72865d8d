//! The command line of `novu-connect-bot`.

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// A request allocates some 350 times, and every worker thread at once: with the allocator of the C library
/// that is a quarter of what `/connect` takes.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    novu_connect_bot::cli::run().await
}
