//! The recorded requests and answers, and how an answer of the stand-in is held against one.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

use super::mask::{Mask, words};

/// One recorded request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) title: Option<String>,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// Absent in the recording for the environment's key, null for no header.
    #[serde(default = "with_the_key")]
    authorization: Option<String>,
    pub(super) state_minted_by: Option<Value>,
    pub(super) answer: Option<Answer>,
}

#[expect(clippy::unnecessary_wraps, reason = "it is the default of an optional field")]
fn with_the_key() -> Option<String> {
    Some("ApiKey <key>".to_owned())
}

impl Request {
    /// The `Authorization` header under this key.
    pub(super) fn authorization(&self, key: &str) -> Option<String> {
        self.authorization.as_ref().map(|header| header.replace("<key>", key))
    }

    /// What a later request names this one by when it needs the state that this one minted.
    pub(super) fn minting(&self) -> String {
        serde_json::json!({ "path": self.path, "body": self.body }).to_string()
    }
}

/// An answer with its times and ids masked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    json: Option<Value>,
    /// The words of a page.
    text: Option<String>,
    /// The JSON inside of a minted state.
    state: Option<String>,
}

impl Answer {
    /// Reads and masks an answer, and gives the minted state besides.
    pub(super) async fn read(response: reqwest::Response, mask: &Mask) -> (Self, Option<String>) {
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), mask.text(value.to_str().unwrap())))
            .collect();
        let body = response.text().await.unwrap();
        let json: Option<Value> = serde_json::from_str(&body).ok();
        let url = json.as_ref().and_then(|json| json.pointer("/data/url")?.as_str());
        let state = url.and_then(|url| {
            let url = url::Url::parse(url).unwrap();
            url.query_pairs().find(|(name, _)| name == "state").map(|(_, state)| state.into_owned())
        });
        let answer = Self {
            status,
            headers,
            text: json.is_none().then(|| words(&mask.text(&body))),
            json: json.map(|json| mask.json(json)),
            state: state.as_deref().map(|state| mask.state(state)),
        };
        (answer, state)
    }

    /// What is not as it was recorded; none where the two agree.
    pub(super) fn differs_from(&self, recorded: &Self) -> Option<String> {
        if self.status != recorded.status {
            return Some(format!("status {} instead of {}", self.status, recorded.status));
        }
        if recorded.json.is_some() && self.json != recorded.json {
            return Some(difference("", &self.json.clone()?, recorded.json.as_ref()?));
        }
        let recorded_words = recorded.text.as_deref().map(words);
        if recorded_words.is_some() && self.text != recorded_words {
            return Some(format!("{:?} instead of {recorded_words:?}", self.text));
        }
        if recorded.state.is_some() && parsed(self) != parsed(recorded) {
            return Some(format!("state {:?} instead of {:?}", self.state, recorded.state));
        }
        let header =
            recorded.headers.iter().find(|(name, value)| self.headers.get(*name) != Some(value));
        header.map(|(name, value)| {
            format!("{name} {:?} instead of {value:?}", self.headers.get(name))
        })
    }
}

/// The content of a state, and its keys in their order.
fn parsed(answer: &Answer) -> Option<(Value, Vec<usize>)> {
    let state = answer.state.as_deref()?;
    let json: Value = serde_json::from_str(state).ok()?;
    let mut places: Vec<(usize, &String)> = json
        .as_object()?
        .keys()
        .map(|key| (state.find(&format!("\"{key}\":")).unwrap(), key))
        .collect();
    places.sort_unstable();
    let order = places
        .iter()
        .map(|(_, key)| json.as_object().unwrap().keys().position(|it| it == *key).unwrap());
    let order = order.collect();
    Some((json, order))
}

/// The first place where two values differ.
fn difference(place: &str, got: &Value, recorded: &Value) -> String {
    let inner = match (got, recorded) {
        (Value::Object(a), Value::Object(b)) => a
            .keys()
            .chain(b.keys())
            .find(|key| a.get(*key) != b.get(*key))
            .and_then(|key| Some((key.clone(), a.get(key)?, b.get(key)?))),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let position = a.iter().zip(b).position(|(a, b)| a != b);
            position.map(|at| (at.to_string(), &a[at], &b[at]))
        }
        _ => None,
    };
    match inner {
        Some((key, got, recorded)) => difference(&format!("{place}/{key}"), got, recorded),
        None => format!("{place}: {got} instead of {recorded}"),
    }
}

pub(super) fn read(lines: &str) -> Vec<Request> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The states that nobody minted, by the title of the request that carries them.
pub(super) fn forged_state(title: &str) -> String {
    const UNKNOWN: &str = "6b076194bbad97649b16ab00";
    let json = match title {
        "callback no provider" => r#"{"a":1}"#.to_owned(),
        "callback discord" => r#"{"providerId":"discord"}"#.to_owned(),
        "callback slack no code" | "callback slack no env" => {
            r#"{"providerId":"slack"}"#.to_owned()
        }
        "callback teams no env" => r#"{"providerId":"msteams"}"#.to_owned(),
        "callback webex" => r#"{"providerId":"webex-messaging"}"#.to_owned(),
        "callback env unknown" => {
            format!(r#"{{"providerId":"slack","environmentId":"{UNKNOWN}"}}"#)
        }
        "callback env malformed" => r#"{"providerId":"slack","environmentId":"x"}"#.to_owned(),
        _ => return "x".to_owned(),
    };
    URL_SAFE_NO_PAD.encode(format!("{json}.00"))
}

pub(super) fn hmac_hex(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
