//! The stand-in Novu held against a running Novu 3.19.0.
//!
//! `tests/fixtures/novu-3.19.0.jsonl` holds 377 requests in the order in which a self-hosted Novu
//! got them, 331 of them with its answer. They are sent again, to the stand-in, and every answer
//! must be the same in status, headers and JSON once times and ids are masked. Pages are compared
//! by their words.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod mask;
mod providers;
mod recording;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connect_clock::ManualClock;
use connect_sandbox::novu::{Integration, Novu, Options};
use serde_json::{Value, json};

use mask::Mask;
use recording::{Answer, Request};

/// Answers that differ on purpose, by title, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("link route discord", "a route for Telegram alone, which nobody calls"),
    ("list /v1/channel-endpoints?providerId=x", PROVIDERS),
    ("list /v1/channel-connections?providerId=x", PROVIDERS),
];
const PROVIDERS: &str =
    "the sentence names all of Novu's providers; the stand-in knows the chat ones";

#[tokio::test]
async fn the_stand_in_answers_as_the_recorded_novu_did() {
    let requests = recording::read(include_str!("../fixtures/novu-3.19.0.jsonl"));
    let mut replay = Replay::start().await;
    let mut exceptions: BTreeMap<&str, &str> = EXCEPTIONS.iter().copied().collect();
    let (mut compared, mut agreed, mut wrong) = (0, 0, Vec::new());
    for request in &requests {
        let got = replay.send(request).await;
        let Some((title, expected)) = request.title.as_deref().zip(request.answer.as_ref()) else {
            continue;
        };
        compared += 1;
        let difference = got.differs_from(expected);
        match (difference, exceptions.remove(title)) {
            (None, None) => agreed += 1,
            (None, Some(_)) => {
                wrong.push(format!("{title}: agrees, and is listed as an exception"));
            }
            (Some(_), Some(reason)) => println!("differs on purpose: {title}: {reason}"),
            (Some(difference), None) => wrong.push(format!("{title}: {difference}")),
        }
    }
    println!("{agreed} of {compared} agree");
    wrong.extend(exceptions.into_keys().map(|title| format!("{title}: no such request")));
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!((requests.len(), compared, agreed + EXCEPTIONS.len()), (377, 331, 331));
}

/// A stand-in with the integrations of the recording, and what went over the wire so far.
struct Replay {
    novu: Novu,
    clock: ManualClock,
    client: reqwest::Client,
    mask: Mask,
    /// The last minted state by the request that minted it.
    states: BTreeMap<String, String>,
    _providers: providers::Running,
}

impl Replay {
    async fn start() -> Self {
        let providers = providers::start().await;
        let clock = ManualClock::new("2026-11-25T10:00:00Z".parse().unwrap());
        let options = Options {
            slack_base: providers.slack.clone(),
            entra_base: providers.entra.clone(),
            ..Options::default()
        };
        let novu = Novu::start(Arc::new(clock.clone()), options).await.unwrap();
        for integration in integrations() {
            novu.add_integration(integration);
        }
        let mask = Mask::new([
            (novu.url().to_owned(), "<base>"),
            (providers.slack.clone(), "<slack>"),
            (providers.entra.clone(), "<entra>"),
        ]);
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self { novu, clock, client, mask, states: BTreeMap::new(), _providers: providers }
    }

    async fn send(&mut self, request: &Request) -> Answer {
        // No two documents of the recording were made in the same millisecond.
        self.clock.advance(Duration::from_millis(1));
        let key = self.novu.api_key();
        let path = self.path(request);
        let mut call = self
            .client
            .request(request.method.parse().unwrap(), format!("{}{path}", self.novu.url()));
        if let Some(authorization) = request.authorization(&key) {
            call = call.header("authorization", authorization);
        }
        if let Some(body) = &request.body {
            call = call.json(&resigned(body, &key));
        }
        if let Some(text) = &request.text {
            call = call.header("content-type", "application/json").body(text.clone());
        }
        for (name, value) in &request.headers {
            let name: reqwest::header::HeaderName = name.parse().unwrap();
            call = call.header(name, value);
        }
        let mut call = call.build().unwrap();
        if let Some(kind) = request.headers.get("content-type") {
            call.headers_mut().insert("content-type", kind.parse().unwrap());
        }
        let (answer, state) =
            Answer::read(self.client.execute(call).await.unwrap(), &self.mask).await;
        if let Some(state) = state {
            self.states.insert(request.minting(), state);
        }
        answer
    }

    /// The path with what was masked in it put back.
    fn path(&self, request: &Request) -> String {
        let title = request.title.as_deref().unwrap_or_default();
        let id = title.rsplit_once("after=").map_or("6b076194bbad97649b16ab00", |(_, id)| id);
        let state = match &request.state_minted_by {
            Some(minting) => self.states[&minting.to_string()].clone(),
            None => recording::forged_state(title),
        };
        request.path.replace("{state}", &state).replace("<state>", &state).replace("<oid>", id)
    }
}

fn integrations() -> Vec<Integration> {
    let slack = |identifier| Integration::slack(identifier, "111.222", "sss");
    let client = "00000000-aaaa-bbbb-cccc-000000000001";
    let redirect_url = Some("https://acme.test/done".to_owned());
    let in_app = Integration {
        name: "Novu In-App".to_owned(),
        channel: "in_app".to_owned(),
        ..Integration::bare("novu-in-app-7okJh762c6", "novu")
    };
    vec![
        // Novu makes this one with the environment.
        in_app,
        slack("slack"),
        Integration { hmac: true, ..slack("slack-hmac") },
        Integration { active: false, ..Integration::bare("slack-nocred", "slack") },
        Integration { redirect_url, ..slack("slack-redirect") },
        Integration::teams("teams", client, "tsecret", "tenant-home"),
        Integration {
            tenant_id: None,
            active: false,
            ..Integration::teams("teams-notenant", client, "tsecret", "")
        },
        Integration::bare("discord", "discord"),
    ]
}

/// The body with its context signed by another key: the recording's key is not in it.
fn resigned(body: &Value, key: &str) -> Value {
    const CANONICAL: [&str; 2] = [
        r#"{"tenant":"acme"}"#,
        "{\"app\":\"jira\",\"tenant\":{\"data\":{\"a\":[true,null],\"b\":1,\
         \"name\":\"Acme \\\"Corp\\\"\né\\\\\"},\"id\":\"acme\"}}",
    ];
    let mut body = body.clone();
    let signed = body.get("contextHash").and_then(Value::as_str).is_some_and(|it| it.len() == 64);
    let canonical = match body.pointer("/context/app").or(body.pointer("/context/tenant")) {
        Some(app) if app == "jira" => CANONICAL[1],
        _ => CANONICAL[0],
    };
    if signed {
        body["contextHash"] = json!(recording::hmac_hex(key, canonical));
    }
    body
}
