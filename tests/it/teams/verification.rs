//! Requests that pass for the Bot Connector's and are not, row by row of what others were seen to
//! let pass, from the socket to the silence behind it.

use std::time::Duration;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RsaEncoding,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connect_sandbox::bot_connector::BotConnectorKeys;
use connect_sandbox::teams::Inbound;
use hmac::{Hmac, KeyInit, Mac};
use novu_connect_bot::clock::Clock;
use serde_json::{Value, json};
use sha2::Sha256;

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

    fn with_claims(&self, claims: &[(&str, Value)]) -> String {
        let all = claims.iter().fold(self.claims.clone(), |claims, (name, value)| {
            changed(&claims, name, value.clone())
        });
        self.bot.teams.keys().sign(&self.header, &all)
    }

    /// A time so many seconds from now.
    fn at(&self, seconds: i64) -> Value {
        json!(self.bot.clock.now().as_second() + seconds)
    }

    /// A token whose header names another algorithm, signed with that.
    fn rsa(&self, name: &str, algorithm: &'static dyn RsaEncoding) -> String {
        let header = changed(&self.header, "alg", json!(name));
        self.bot.teams.keys().sign_as(algorithm, &header, &self.claims)
    }

    /// The signed part of a token whose header names this algorithm.
    fn unsigned(&self, algorithm: &str) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = changed(&self.header, "alg", json!(algorithm));
        format!("{}.{}", part(&header), part(&self.claims))
    }

    fn hs256_with_the_public_key(&self) -> String {
        let message = self.unsigned("HS256");
        let key = self.bot.teams.keys().public_key();
        let mut code = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        code.update(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(code.finalize().into_bytes()))
    }

    fn es256(&self) -> String {
        let message = self.unsigned("ES256");
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let random = aws_lc_rs::rand::SystemRandom::new();
        let signature = pair.sign(&random, message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn question(&self) -> Inbound {
        self.bot.teams.message(ADA, &self.bot.teams.chat(ADA), "connect")
    }

    fn refused(&self, name: &'static str, token: &str, reason: &'static str) -> Case {
        let authorization = Some(format!("Bearer {token}"));
        Case { name, authorization, question: self.question(), reason: Some(reason) }
    }

    /// A question that nobody answers, so that all of them can be accepted.
    fn accepted(&self, name: &'static str, authorization: String) -> Case {
        let question = self.bot.teams.other(ADA, &self.bot.teams.chat(ADA), "messageReaction");
        Case { name, authorization: Some(authorization), question, reason: None }
    }

    fn accepted_token(&self, name: &'static str, token: &str) -> Case {
        self.accepted(name, format!("Bearer {token}"))
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
async fn only_a_bearer_token_signed_with_rs256_by_a_published_key_is_believed() {
    let scene = Scene::new().await;
    let genuine = scene.genuine();
    let stranger = BotConnectorKeys::start(std::sync::Arc::new(scene.bot.clock.clone())).await;
    let stranger = stranger.unwrap();
    let forged = stranger.sign(&scene.header, &scene.claims);
    let keys = json!(stranger.metadata_url().join("keys").unwrap().as_str());
    let brings = |name: &str, value: Value| {
        stranger.sign(&changed(&scene.header, name, value), &scene.claims)
    };
    let none = scene.unsigned("none");
    let bare =
        Case { authorization: Some(genuine.clone()), ..scene.refused("no scheme", "", "headers") };
    let missing = Case { authorization: None, ..scene.refused("no header", "", "headers") };
    scene
        .judge(vec![
            scene.accepted("valid", format!("Bearer {genuine}")),
            scene.accepted("lower case", format!("bearer {genuine}")),
            bare,
            missing,
            scene.refused("nonsense", "nonsense", "malformed_token"),
            scene.refused("alg none", &format!("{none}."), "algorithm"),
            scene.refused("alg none, two parts", &none, "malformed_token"),
            scene.refused("HS256", &scene.hs256_with_the_public_key(), "algorithm"),
            scene.refused("PS256", &scene.rsa("PS256", &RSA_PSS_SHA256), "algorithm"),
            scene.refused("ES256", &scene.es256(), "algorithm"),
            scene.refused("RS384", &scene.rsa("RS384", &RSA_PKCS1_SHA384), "algorithm"),
            scene.refused("RS512", &scene.rsa("RS512", &RSA_PKCS1_SHA512), "algorithm"),
            scene.refused(
                "RS512 as RS256",
                &scene.rsa("RS256", &RSA_PKCS1_SHA512),
                "bad_signature",
            ),
            scene.refused("unknown kid", &scene.with_header("kid", json!("new")), "unknown_key"),
            scene.refused("no kid", &scene.with_header("kid", Value::Null), "malformed_token"),
            scene.refused("wrong key", &forged, "bad_signature"),
            scene.refused("jku", &brings("jku", keys), "token_header"),
            scene.refused("jwk", &brings("jwk", json!({"kty": "RSA"})), "token_header"),
        ])
        .await;
    assert_eq!((stranger.metadata_fetches(), stranger.key_fetches()), (0, 0));
    scene.end().await;
}

#[tokio::test]
async fn only_a_token_of_its_time_from_the_right_issuer_for_this_bot_is_believed() {
    let scene = Scene::new().await;
    let app = scene.bot.teams.options().app_id.clone();
    let emulator = [
        ("iss", json!("https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/")),
        ("ver", json!("1.0")),
        ("appid", json!(app)),
    ];
    let tenant = "https://sts.windows.net/3c9d2f3a-7d44-4d6a-8f0e-2f3f0d9b1c55/";
    let skill = [
        ("iss", json!("https://login.microsoftonline.com/tenant-acme/v2.0")),
        ("ver", json!("2.0")),
        ("azp", json!("f1e2d3c4-0000-4000-8000-000000000000")),
    ];
    let outbound = [("aud", json!("https://api.botframework.com")), ("appid", json!(app))];
    let with = |name: &str, value: Value| scene.with_claim(name, value);
    let issuer = |text: &str| with("iss", json!(text));
    scene
        .judge(vec![
            scene.accepted_token("exp 4 minutes ago", &with("exp", scene.at(-240))),
            scene.refused("exp 6 minutes ago", &with("exp", scene.at(-360)), "expired"),
            scene.accepted_token("nbf in 4 minutes", &with("nbf", scene.at(240))),
            scene.refused("nbf in 6 minutes", &with("nbf", scene.at(360)), "not_yet_valid"),
            scene.refused("no exp", &with("exp", Value::Null), "claims"),
            scene.refused(
                "issuer with a slash",
                &issuer("https://api.botframework.com/"),
                "issuer",
            ),
            scene.refused("government", &issuer("https://api.botframework.us"), "issuer"),
            scene.refused("no issuer", &with("iss", Value::Null), "claims"),
            scene.accepted_token("list of this bot", &with("aud", json!([app]))),
            scene.refused("list of two", &with("aud", json!([app, "other"])), "audience"),
            scene.refused("another bot", &with("aud", json!("other")), "audience"),
            scene.refused(
                "identifier URI",
                &with("aud", json!(format!("api://botid-{app}"))),
                "audience",
            ),
            scene.refused("emulator", &scene.with_claims(&emulator), "issuer"),
            scene.refused("the bot's own token", &scene.with_claims(&outbound), "audience"),
            scene.refused("a tenant's token", &issuer(tenant), "issuer"),
            scene.refused("skill", &scene.with_claims(&skill), "issuer"),
        ])
        .await;
    scene.end().await;
}

#[tokio::test]
async fn only_the_service_url_and_the_channel_of_the_token_are_believed() {
    let scene = Scene::new().await;
    let url = scene.bot.teams.service_url();
    let bare = url.trim_end_matches('/');
    let claimed = |value: Value| scene.with_claim("serviceurl", value);
    let camel = scene.with_claims(&[("serviceurl", Value::Null), ("serviceUrl", json!(url))]);
    let says = |pointer: &str, text: &str| scene.question().with(pointer, text);
    let lacks = |pointer: &str| scene.question().without(pointer);
    scene
        .judge(vec![
            scene.refused("another", &claimed(json!(format!("{url}other/"))), "service_url"),
            scene.refused("no claim", &claimed(Value::Null), "claims"),
            scene.refused("camel case", &camel, "claims"),
            scene.accepted_token("without the slash", &claimed(json!(bare))),
            scene.refused("two slashes", &claimed(json!(format!("{url}/"))), "service_url"),
            scene.refused("upper case", &claimed(json!(url.to_uppercase())), "service_url"),
            scene.sent("empty in the activity", says("/serviceUrl", ""), "service_url"),
            scene.sent("absent in the activity", lacks("/serviceUrl"), "service_url"),
            scene.sent("another channel", says("/channelId", "slack"), "channel"),
            scene.sent("the emulator's channel", says("/channelId", "emulator"), "channel"),
            scene.sent("empty channel", says("/channelId", ""), "channel"),
            scene.sent("absent channel", lacks("/channelId"), "channel"),
            scene.sent(
                "no activity",
                scene.question().edit(|activity| *activity = json!([])),
                "envelope",
            ),
        ])
        .await;
    scene.end().await;
}

#[tokio::test]
async fn a_key_that_is_not_endorsed_for_teams_signs_for_nobody() {
    let bot = TeamsBot::start().await;
    let unendorsed: [Option<&[&str]>; 2] = [Some(&["slack"]), None];
    for (count, endorsements) in (1..).zip(unendorsed) {
        bot.teams.keys().endorse(endorsements);
        bot.teams.keys().rotate().unwrap();
        bot.clock.advance(Duration::from_mins(5));
        let question = bot.teams.message(ADA, &bot.teams.chat(ADA), "connect");
        assert_eq!(bot.deliver(question.signed()).await.status, 401, "{endorsements:?}");
        assert_eq!(bot.refused("endorsement").await, count);
    }
    // Nor does it speak for Slack here.
    bot.teams.keys().endorse(Some(&["slack"]));
    bot.teams.keys().rotate().unwrap();
    bot.clock.advance(Duration::from_mins(5));
    let question = bot.teams.message(ADA, &bot.teams.chat(ADA), "connect");
    let disguised = question.with("/channelId", "slack");
    assert_eq!(bot.deliver(disguised.signed()).await.status, 401);
    assert_eq!(bot.refused("channel").await, 1);
    bot.settled().await;
    assert_eq!(bot.teams.messages(), []);
    assert_eq!(bot.mints().len(), 0);
}
