//! The stand-ins, in a process of their own.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use connect_sandbox::novu::{self, Integration, NewConnection, Novu, Workspace};
use connect_sandbox::slack::{self, Slack, Team, User};
use connect_sandbox::teams::{self, Teams};
use connect_sandbox::{Effect, Fault, Route};
use novu_connect_bot::clock::{SharedClock, SystemClock};

use super::control::{self, StandIns, tenant};
use super::teams::TENANTS;

const TOKEN: &str = "xoxb-load";
/// Enough for every round of five rounds of 10,000 requests; each person comes once.
const PEOPLE: u32 = 500_000;
const MINT: &str = "/v1/integrations/channel-endpoints/oauth";

/// Serves on free ports until it is killed. `DELAY` is how long a mint takes; the very first one
/// is quick, so that the time to the first answer can be told.
pub(crate) async fn serve() {
    let clock: SharedClock = Arc::new(SystemClock);
    let slack = start_slack(&clock).await;
    let options = teams::Options { record: false, ..teams::Options::default() };
    let teams =
        Teams::start(Arc::clone(&clock), options).await.expect("a stand-in for Microsoft Teams");
    let novu = start_novu(&clock, &slack, &teams).await;
    println!("novu={}\nslack={}\nkey={}", novu.url(), slack.url(), novu.api_key());
    println!("token={TOKEN}\nresponse_url={}", slack.new_response_url());
    let app = teams.options();
    println!("app_id={}\napp_secret={}", app.app_id, app.app_secret);
    println!("metadata_url={}\ntoken_url={}", teams.metadata_url(), teams.token_url());
    let stand_ins = Arc::new(StandIns { novu, slack, teams });
    println!("control={}", control::start(Arc::clone(&stand_ins)).await);
    println!("ready");
    slow_down(&stand_ins.novu).await;
    std::future::pending::<()>().await;
}

async fn start_slack(clock: &SharedClock) -> Slack {
    let options = slack::Options { record: false, ..slack::Options::default() };
    let slack = Slack::start(Arc::clone(clock), options).await.expect("a stand-in for Slack");
    slack.add_team(Team { bot_token: TOKEN.to_owned(), ..Team::new("TLOAD", "Load") });
    for number in 0..PEOPLE {
        slack.add_user(User::new("TLOAD", &format!("U{number}"), "Ida Rhodes"));
    }
    slack
}

async fn start_novu(clock: &SharedClock, slack: &Slack, teams: &Teams) -> Novu {
    let options = novu::Options {
        record: false,
        slack_base: slack.url().to_owned(),
        entra_base: teams.url().to_owned(),
        ..novu::Options::default()
    };
    let novu = Novu::start(Arc::clone(clock), options).await.expect("a stand-in for Novu");
    let app = slack.options();
    novu.add_integration(Integration::slack("slack", &app.client_id, &app.client_secret));
    let app = teams.options();
    let (id, secret, home) = (&app.app_id, &app.app_secret, &app.home_tenant);
    novu.add_integration(Integration::teams("teams", id, secret, home));
    connect(&novu, "slack", "load", "TLOAD", TOKEN);
    for number in 0..TENANTS {
        // By its own name, so that nobody has to look the connection of a tenant up.
        let tenant = tenant(number);
        connect(&novu, "teams", &tenant, &tenant, "app-only");
    }
    novu
}

fn connect(novu: &Novu, integration: &str, identifier: &str, workspace: &str, token: &str) {
    let connection = NewConnection {
        identifier: identifier.to_owned(),
        integration: integration.to_owned(),
        workspace: Workspace { id: workspace.to_owned(), ..Workspace::default() },
        access_token: token.to_owned(),
        ..NewConnection::default()
    };
    novu.add_connection(connection).expect("a connection");
}

async fn slow_down(novu: &Novu) {
    let delay = std::env::var_os("DELAY").and_then(|delay| delay.into_string().ok());
    let delay = delay.unwrap_or_default();
    // `all` before it: of each call, not of the mint alone.
    let (route, delay) = match delay.strip_prefix("all ") {
        Some(delay) => (Route::any(), delay),
        None => (Route::post(MINT), delay.as_str()),
    };
    let delay = delay.parse::<jiff::SignedDuration>().ok();
    let delay = delay.and_then(|delay| Duration::try_from(delay).ok()).unwrap_or_default();
    if delay.is_zero() {
        return;
    }
    while novu.count(&Method::POST, MINT) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    novu.fault(Fault::new(route, Effect::Slow(delay)));
}
