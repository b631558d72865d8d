//! Which subscriber a person is, by each resolver, and which connection of their workspace is used.

mod accounts;
mod connections;
mod emails;
mod entra;
mod held;
mod tables;
mod templates;
mod webhooks;
mod workspaces;

use std::time::Duration;

use crate::bot::{Bot, until};

const CHAIN: &str = "CONNECT_IDENTITY__CHAIN";
const CREATE: &str = "CONNECT_IDENTITY__CREATE_MISSING";

/// Whom the last mint was for.
fn minted_for(bot: &Bot) -> String {
    bot.mints().last().expect("a mint").json()["subscriberId"].as_str().unwrap().to_owned()
}

/// The connection that the last mint was for.
fn connection_of(bot: &Bot) -> String {
    bot.mints().last().expect("a mint").json()["connectionIdentifier"].as_str().unwrap().to_owned()
}

/// Reads the connections anew, of which there are now so many.
async fn knows(bot: &Bot, connections: u64) {
    bot.ready().await;
    bot.clock.advance(Duration::from_secs(61));
    until(async || bot.metric("connect_workspace_index_connections").await == connections).await;
}
