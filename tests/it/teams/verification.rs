//! Requests that pass for the Bot Connector's and are not, one for each reason to refuse them, from the
//! socket to the silence behind it. The verifier's own tests have every row of what others were seen to
//! let pass.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connect_sandbox::bot_connector::BotConnectorKeys;
use connect_sandbox::teams::Inbound;
use novu_connect_bot::clock::Clock;
use serde_json::{Value, json};

use crate::bot::teams::{ADA, TeamsBot, link};

/// What is changed about a genuine question, and the reason for which it is refused, if it is.
struct Case {
    name: &'static str,
    authorization: Option<String>,
    question: Inbound,
    reason: Option<&'static str>,
}

/// A service, and what a genuine token for it is made of.
struct Scene {
    bot: TeamsBot,
    header: Value,
    claims: Value,
}

impl Scene {
    async fn new() -> Self {
        let bot = TeamsBot::start().await;
        let keys = bot.teams.keys();
        let header = json!({"alg": "RS256", "kid": keys.key_id(), "typ": "JWT"});
        let claims = json!(keys.claims(&bot.teams.options().app_id, &bot.teams.service_url()));
        Self { bot, header, claims }
    }

    fn genuine(&self) -> String {
        self.bot.teams.keys().sign(&self.header, &self.claims)
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        self.bot.teams.keys().sign(&changed(&self.header, name, value), &self.claims)
    }

    fn with_claim(&self, name: &str, value: Value) -> String {
        self.bot.teams.keys().sign(&self.header, &changed(&self.claims, name, value))
    }

    /// A time so many seconds from now.
    fn at(&self, seconds: i64) -> Value {
        json!(self.bot.clock.now().as_second() + seconds)
    }

    /// A genuine token whose header names no algorithm, without its signature.
    fn of_no_algorithm(&self) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = changed(&self.header, "alg", json!("none"));
        format!("{}.{}.", part(&header), part(&self.claims))
    }

    fn question(&self) -> Inbound {
        self.bot.teams.message(ADA, &self.bot.teams.chat(ADA), "connect")
    }

    fn refused(&self, name: &'static str, token: &str, reason: &'static str) -> Case {
        let authorization = Some(format!("Bearer {token}"));
        Case { name, authorization, question: self.question(), reason: Some(reason) }
    }

    /// A genuine activity that nobody is answered for.
    fn accepted(&self, name: &'static str, authorization: String) -> Case {
        let question = self.bot.teams.other(ADA, &self.bot.teams.chat(ADA), "messageReaction");
        Case { name, authorization: Some(authorization), question, reason: None }
    }

    /// A genuine token with another activity.
    fn sent(&self, name: &'static str, question: Inbound, reason: &'static str) -> Case {
        let authorization = Some(format!("Bearer {}", self.genuine()));
        Case { name, authorization, question, reason: Some(reason) }
    }

    /// Sends all cases; what is refused is counted under its reason and asks nobody anything.
    async fn judge(&self, cases: Vec<Case>) {
        self.bot.forget();
        for Case { name, authorization, question, reason } in cases {
            let mut request = question.signed_with("");
            match authorization {
                Some(value) => request.headers.insert("authorization", value.parse().unwrap()),
                None => request.headers.remove("authorization"),
            };
            let before = self.counted(reason).await;
            let reply = self.bot.deliver(request).await;
            let status = if reason.is_some() { 401 } else { 200 };
            assert_eq!((reply.status, reply.body.as_str()), (status, ""), "{name}");
            let more = u64::from(reason.is_some());
            assert_eq!(self.counted(reason).await, before + more, "{name}: {reason:?}");
            assert_eq!(self.nobody_asked(), Vec::<String>::new(), "{name}");
        }
    }

    async fn counted(&self, reason: Option<&str>) -> u64 {
        match reason {
            Some(reason) => self.bot.refused(reason).await,
            None => self.bot.metric("connect_requests_refused_total").await,
        }
    }

    /// Every call since, but for the keys of the Bot Connector.
    fn nobody_asked(&self) -> Vec<String> {
        let all = self.bot.novu.requests().into_iter().chain(self.bot.teams.requests());
        let paths = all.map(|request| request.path().to_owned());
        paths.filter(|path| !path.starts_with("/v1/.well-known/")).collect()
    }

    /// The next genuine question is answered, and it is the first one that is.
    async fn end(self) {
        self.bot.settled().await;
        assert_eq!(self.bot.teams.messages(), []);
        assert_eq!(self.bot.mints().len(), 0);
        link(&self.bot.ask(ADA, "connect").await);
    }
}

/// The same with one field set, or taken away where the value is null.
fn changed(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    match value {
        Value::Null => {
            object.as_object_mut().unwrap().remove(name);
        }
        value => object[name] = value,
    }
    object
}

#[tokio::test]
async fn whatever_is_wrong_with_a_token_is_refused_in_silence_and_counted_under_its_reason() {
    let scene = Scene::new().await;
    let stranger = BotConnectorKeys::start(std::sync::Arc::new(scene.bot.clock.clone())).await;
    let stranger = stranger.unwrap();
    let keys = json!(stranger.metadata_url().join("keys").unwrap().as_str());
    let header = |name: &str, value: Value| scene.with_header(name, value);
    let claim = |name: &str, value: Value| scene.with_claim(name, value);
    let missing = Case { authorization: None, ..scene.refused("no header", "", "headers") };
    scene
        .judge(vec![
            scene.accepted("genuine", format!("Bearer {}", scene.genuine())),
            missing,
            scene.refused("nonsense", "nonsense", "malformed_token"),
            scene.refused("no algorithm", &scene.of_no_algorithm(), "algorithm"),
            scene.refused(
                "wrong key",
                &stranger.sign(&scene.header, &scene.claims),
                "bad_signature",
            ),
            scene.refused("unknown key", &header("kid", json!("new")), "unknown_key"),
            scene.refused("brings its keys", &header("jku", keys), "token_header"),
            scene.refused("no end", &claim("exp", Value::Null), "claims"),
            scene.refused("too late", &claim("exp", scene.at(-360)), "expired"),
            scene.refused("too early", &claim("nbf", scene.at(360)), "not_yet_valid"),
            scene.refused("issuer", &claim("iss", json!("https://evil.example")), "issuer"),
            scene.refused("another bot", &claim("aud", json!("other")), "audience"),
        ])
        .await;
    assert_eq!((stranger.metadata_fetches(), stranger.key_fetches()), (0, 0));
    scene.end().await;
}

#[tokio::test]
async fn whatever_an_activity_says_that_its_token_does_not_is_refused_in_silence() {
    let scene = Scene::new().await;
    let says = |pointer: &str, text: &str| scene.question().with(pointer, text);
    let nothing = scene.question().edit(|activity| *activity = json!([]));
    let elsewhere = says("/serviceUrl", "https://evil.example/");
    scene
        .judge(vec![
            scene.sent("another service URL", elsewhere, "service_url"),
            scene.sent("no service URL", scene.question().without("/serviceUrl"), "service_url"),
            scene.sent("another channel", says("/channelId", "slack"), "channel"),
            scene.sent("no activity", nothing, "envelope"),
        ])
        .await;
    scene.end().await;
}

#[tokio::test]
async fn a_key_that_is_not_endorsed_for_teams_signs_for_nobody() {
    let scene = Scene::new().await;
    scene.bot.teams.keys().endorse(Some(&["slack"]));
    scene.bot.teams.keys().rotate().unwrap();
    scene.bot.clock.advance(Duration::from_mins(5));
    let question = scene.question();
    assert_eq!(scene.bot.deliver(question.signed()).await.status, 401);
    assert_eq!(scene.bot.refused("endorsement").await, 1);
    scene.bot.settled().await;
    assert_eq!(scene.bot.teams.messages(), []);
    assert_eq!(scene.bot.mints().len(), 0);
}
