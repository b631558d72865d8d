//! The command line of `novu-connect-bot`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    novu_connect_bot::cli::run().await
}
