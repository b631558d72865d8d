//! What people can ask for beside a link: disconnecting, a test, the status; and what is not asked of Novu
//! again for whom we know.

mod disconnecting;
mod known;
mod status;
mod testing;

use connect_sandbox::novu::{NewEndpoint, Profile};
use connect_sandbox::slack::Message;

use crate::bot::teams::{self, TeamsBot};
use crate::bot::{ADA, API_KEY, Bot, CONNECTION, INTEGRATION, TEAM};

const ENDPOINTS: &str = "/v1/channel-endpoints";
const TRIGGER: &str = "/v1/events/trigger";
const WORKFLOW: (&str, &str) = ("CONNECT_NOVU__TEST_WORKFLOW", "connect-test");
/// The subscriber that a person in Slack is by their ids.
fn subscriber_of(user: &str) -> String {
    format!("slack:{TEAM}:{user}")
}

/// Links a person in Slack, over this connection. Gives the endpoint's identifier.
fn linked_over(bot: &Bot, connection: &str, subscriber: &str, user: &str) -> String {
    bot.novu.add_subscriber(subscriber, Profile::default());
    let new = NewEndpoint::slack_user(INTEGRATION, connection, subscriber, user);
    bot.novu.add_endpoint(new).unwrap()
}

fn linked(bot: &Bot, user: &str) -> String {
    linked_over(bot, CONNECTION, &subscriber_of(user), user)
}

/// A person in Slack, who is linked, with a service that is ready.
async fn ada_is_linked(more: &[(&str, &str)]) -> Bot {
    let bot = Bot::start_with(more).await;
    bot.ready().await;
    linked(&bot, ADA);
    bot
}

/// A table of people with these rows.
fn table(rows: &str) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    std::fs::write(file.path(), format!("platform,workspace,user,subscriber\n{rows}")).unwrap();
    file
}

/// What makes the service find people in that table.
fn settings_of(table: &tempfile::NamedTempFile) -> [(&'static str, &str); 2] {
    let path = table.path().to_str().unwrap();
    [("CONNECT_IDENTITY__CHAIN", "table"), ("CONNECT_IDENTITY__TABLE", path)]
}

/// Removes something of Novu's, as an operator does.
async fn remove(bot: &Bot, path: &str) {
    let request =
        novu_connect_bot::net::client().unwrap().delete(format!("{}{path}", bot.novu.url()));
    let answer = request.header("authorization", format!("ApiKey {API_KEY}")).send().await.unwrap();
    assert_eq!(answer.status(), 204);
}

/// Links a person in Slack over a connection that is then removed.
async fn linked_in_vain(bot: &Bot, subscriber: &str, user: &str) {
    bot.connect_workspace("removed", "T0REMOVED");
    linked_over(bot, "removed", subscriber, user);
    remove(bot, "/v1/channel-connections/removed").await;
}

/// The identifiers of all endpoints in Novu.
fn endpoints(bot: &Bot) -> Vec<String> {
    bot.novu.endpoints().into_iter().map(|endpoint| endpoint.identifier).collect()
}

/// Links a person in Teams.
fn linked_in_teams(bot: &TeamsBot, subscriber: &str, oid: &str) -> String {
    bot.novu.add_subscriber(subscriber, Profile::default());
    let new = NewEndpoint {
        integration: teams::INTEGRATION.to_owned(),
        connection: Some(teams::CONNECTION.to_owned()),
        subscriber_id: subscriber.to_owned(),
        kind: "ms_teams_user".to_owned(),
        endpoint: serde_json::json!({ "userId": oid, "tenantId": teams::ACME }),
        ..NewEndpoint::default()
    };
    bot.novu.add_endpoint(new).unwrap()
}

/// What a message in Slack says.
fn says(message: &Message) -> String {
    message.text().to_owned()
}
