//! What the generator asks of the stand-ins: activities, because the stand-in for Microsoft Teams has
//! the key, and how often each of them was called.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connect_sandbox::bot_connector::Claims;
use connect_sandbox::novu::{NewEndpoint, Novu, Profile};
use connect_sandbox::slack::Slack;
use connect_sandbox::teams::{Inbound, Person, Teams};
use novu_connect_bot::clock::after;

use super::teams::TENANTS;

/// The length of a signature by a key of 2048 bits.
const SIGNATURE: usize = 256;

/// The stand-ins.
pub(crate) struct StandIns {
    pub(crate) novu: Novu,
    pub(crate) slack: Slack,
    pub(crate) teams: Teams,
}

/// The stand-ins, and the token that Teams uses again and again.
struct Control {
    stand_ins: Arc<StandIns>,
    reused: String,
}

/// The tenant that a person of this number is in.
pub(crate) fn tenant(number: u64) -> String {
    format!("10ad0000-0000-4000-8000-{:012x}", number % TENANTS)
}

/// Serves on a free port; its origin.
pub(crate) async fn start(stand_ins: Arc<StandIns>) -> String {
    let reused = token(&stand_ins.teams, 0);
    let router = Router::new()
        .route("/activities/{tokens}/{first}/{count}", get(activities))
        .route("/cards", get(cards))
        .route("/calls", get(calls))
        .route("/strangers/{count}", get(strangers))
        .with_state(Arc::new(Control { stand_ins, reused }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// Messages, each by somebody else: a line with the token, then one with the activity.
async fn activities(
    State(control): State<Arc<Control>>,
    Path((tokens, first, count)): Path<(String, u64, u64)>,
) -> String {
    let mut text = String::new();
    let Control { stand_ins, reused } = control.as_ref();
    let teams = &stand_ins.teams;
    for number in first..first + count {
        let token = match tokens.as_str() {
            "fresh" => token(teams, number),
            "forged" => forged(reused, number),
            _ => reused.clone(),
        };
        let activity = message(teams, number);
        writeln!(text, "{token}\n{}", activity.activity()).expect("room in memory");
    }
    text
}

/// A genuine token. Each number's is another, because it ends at another second.
fn token(teams: &Teams, number: u64) -> String {
    let claims = teams.keys().claims(&teams.options().app_id, &teams.service_url());
    let expires = after(claims.expires, Duration::from_secs(number));
    teams.keys().token(&Claims { expires, ..claims })
}

/// A person who was never there before writes to the bot.
fn message(teams: &Teams, number: u64) -> Inbound {
    let oid = format!("0b1ec700-0000-4000-8000-{number:012x}");
    // The stand-in finds people by object id at once, and by any other account by looking at all.
    let person = Person::new(&tenant(number), &oid, "Ida Rhodes");
    teams.add_person(Person { account: oid.clone(), ..person });
    teams.message(&oid, &teams.chat(&oid), "connect")
}

/// The token with a signature that nobody made: well formed, and not larger than the modulus.
fn forged(token: &str, number: u64) -> String {
    let mut signature = [0; SIGNATURE];
    signature[SIGNATURE - 8..].copy_from_slice(&number.to_be_bytes());
    signature[1] = 1;
    let message = token.rsplit_once('.').map_or(token, |(message, _)| message);
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Cards so far: all that was posted, save for the bot's tokens.
async fn cards(State(control): State<Arc<Control>>) -> String {
    // By the whole number: beyond some thousand paths the stand-in counts no single ones.
    let teams = &control.stand_ins.teams;
    let tokens = format!("/{}/", teams.options().home_tenant);
    let posted = teams.count(&Method::POST, "");
    (posted - teams.count(&Method::POST, &tokens)).to_string()
}

/// Endpoints of people who ask nothing, the newest of the integration.
async fn strangers(State(control): State<Arc<Control>>, Path(count): Path<u64>) {
    let novu = &control.stand_ins.novu;
    for number in 0..count {
        let id = format!("stranger-{number}");
        novu.add_subscriber(&id, Profile::default());
        let endpoint = NewEndpoint::slack_user("slack", "load", &id, &format!("US{number}"));
        novu.add_endpoint(endpoint).expect("an endpoint");
    }
}

/// Calls so far to Novu, to Slack and to Microsoft Teams.
async fn calls(State(control): State<Arc<Control>>) -> String {
    let StandIns { novu, slack, teams } = control.stand_ins.as_ref();
    let both = |count: &dyn Fn(&Method) -> usize| count(&Method::GET) + count(&Method::POST);
    let novu = both(&|method| novu.count(method, ""));
    let slack = both(&|method| slack.count(method, ""));
    let teams = both(&|method| teams.count(method, ""));
    format!("{novu} {slack} {teams}")
}
