//! What operators and administrators can ask of one person: why there is no link, and its removal.

mod explaining;
mod in_teams;
mod removing;
mod situations;

use axum::http::Method;
use novu_connect_bot::core::{Person, Workspace};
use serde_json::Value;

use crate::bot::{Bot, Settings, TEAM, run_binary};

const ENDPOINTS: &str = "/v1/channel-endpoints";
const CHAIN: &str = "CONNECT_IDENTITY__CHAIN";
const CREATE: &str = "CONNECT_IDENTITY__CREATE_MISSING";

/// What the command said of somebody.
struct Told {
    status: Option<i32>,
    /// Standard output.
    text: String,
    /// Standard error.
    beside: String,
}

impl Told {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}{}", self.text, self.beside))
    }
}

/// Runs `explain` with these settings, beside the service that is running with them.
async fn explain_with(settings: Settings, arguments: &[&str]) -> Told {
    let output = run_binary(settings, &[&["explain"], arguments].concat()).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let told = Told {
        status: output.status.code(),
        text: text(output.stdout),
        beside: text(output.stderr),
    };
    for said in [&told.text, &told.beside] {
        assert!(!said.contains("canary"), "a secret or an e-mail address: {said}");
    }
    told
}

/// As [`explain_with`], with the settings of this service. Nothing may be created or changed in Novu.
async fn explain(bot: &Bot, arguments: &[&str]) -> Told {
    let before = bot.novu.requests().len();
    let told = explain_with(bot.settings(), arguments).await;
    let changes: Vec<_> = bot
        .novu
        .requests()
        .split_off(before)
        .into_iter()
        .filter(|it| it.method != Method::GET)
        .collect();
    assert!(changes.is_empty(), "{changes:?}");
    told
}

/// Somebody in the connected workspace in Slack.
fn in_slack(user: &str) -> Person {
    Person {
        platform: novu_connect_bot::slack::PLATFORM.id(),
        workspace: Workspace::standalone(TEAM),
        user: user.to_owned(),
    }
}
