//! The stand-ins, in a process of their own.

use std::sync::Arc;
use std::time::Duration;

use novu_connect_bot::clock::{Clock, SystemClock};
use novu_connect_bot::sandbox::novu::{self, Integration, NewConnection, Novu, Workspace};
use novu_connect_bot::sandbox::slack::{self, Slack, Team, User};
use novu_connect_bot::sandbox::{Effect, Fault, Route};

const TOKEN: &str = "xoxb-load";
/// Enough for every round of every run; each person comes once.
const PEOPLE: u32 = 250_000;

/// Serves on free ports until it is killed. `DELAY` is how long a mint takes; the very first one
/// is quick, so that the time to the first answer can be told.
pub(crate) async fn serve() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let slack_options = slack::Options { record: false, ..slack::Options::default() };
    let slack =
        Slack::start(Arc::clone(&clock), slack_options).await.expect("a stand-in for Slack");
    slack.add_team(Team { bot_token: TOKEN.to_owned(), ..Team::new("TLOAD", "Load") });
    for number in 0..PEOPLE {
        slack.add_user(User::new("TLOAD", &format!("U{number}"), "Ida Rhodes"));
    }
    let options = novu::Options {
        record: false,
        slack_base: slack.url().to_owned(),
        ..novu::Options::default()
    };
    let key = options.api_keys.first().cloned().unwrap_or_default();
    let novu = Novu::start(clock, options).await.expect("a stand-in for Novu");
    let app = slack.options();
    novu.add_integration(Integration::slack("slack", &app.client_id, &app.client_secret));
    let connection = NewConnection {
        identifier: "load".to_owned(),
        integration: "slack".to_owned(),
        workspace: Workspace { id: "TLOAD".to_owned(), ..Workspace::default() },
        access_token: TOKEN.to_owned(),
        ..NewConnection::default()
    };
    novu.add_connection(connection).expect("a connection");
    println!("novu={}\nslack={}\nkey={key}\ntoken={TOKEN}", novu.url(), slack.url());
    println!("response_url={}", slack.new_response_url());
    println!("ready");

    let delay = std::env::var_os("DELAY");
    let delay = delay.and_then(|text| text.to_str()?.parse::<jiff::SignedDuration>().ok());
    let delay = delay.and_then(|delay| Duration::try_from(delay).ok()).unwrap_or_default();
    if !delay.is_zero() {
        let mint = Route::post("/v1/integrations/channel-endpoints/oauth");
        while novu.count(&axum::http::Method::POST, "/v1/integrations/channel-endpoints/oauth") == 0
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        novu.fault(Fault::new(mint, Effect::Slow(delay)));
    }
    std::future::pending::<()>().await;
}
