//! The Web API: one route for all methods, arguments as Slack takes them, tokens and scopes.
//!
//! Source: Slack, Web API reference. A refusal is HTTP 200 with `ok: false`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State as Extract};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::call::{Args, Call, Refusal, read};
use super::model::{Channel, Door, Message, User};
use super::state::{Grant, State};
use super::{Inner, block_kit, oauth};

/// `GET` and `POST /api/{method}`
pub(super) async fn call(
    Extract(inner): Extract<Arc<Inner>>,
    Path(method): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = match read(&method, &query.unwrap_or_default(), &headers, &body) {
        Ok(call) => call,
        Err(refusal) => return Json(refusal.body()).into_response(),
    };
    if method == "oauth.v2.access" {
        return answer(oauth::access(&inner, &headers, &call.args), &call, None);
    }
    if method == "api.test" {
        return answer(Ok(json!({ "ok": true, "args": {} })), &call, None);
    }
    let grant = match inner.state().grant(call.token(&headers).as_deref()) {
        Ok(grant) => grant,
        Err(refusal) => return answer(Err(refusal), &call, None),
    };
    let result = match method.as_str() {
        "auth.test" => auth_test(&inner, &grant),
        "users.info" => users_info(&inner, &grant, &call.args),
        "chat.postMessage" => post_message(&inner, &grant, &call.args),
        "chat.postEphemeral" => post_ephemeral(&inner, &grant, &call.args),
        _ => {
            let more = json!({ "req_method": method });
            Err(Refusal::with("unknown_method", more))
        }
    };
    answer(result, &call, Some(&grant))
}

fn answer(result: Result<Value, Refusal>, call: &Call, grant: Option<&Grant>) -> Response {
    let mut body = result.unwrap_or_else(Refusal::body);
    if call.lacks_charset {
        warn(&mut body);
    }
    let mut response = Json(body).into_response();
    let scopes = grant.and_then(|grant| HeaderValue::from_str(&grant.provided()).ok());
    if let Some(scopes) = scopes {
        response.headers_mut().insert("x-oauth-scopes", scopes);
    }
    response
}

fn warn(body: &mut Value) {
    let Value::Object(fields) = body else { return };
    fields.insert("warning".to_owned(), json!("missing_charset"));
    let metadata = fields.entry("response_metadata").or_insert_with(|| json!({}));
    if let Value::Object(metadata) = metadata {
        metadata.insert("warnings".to_owned(), json!(["missing_charset"]));
    }
}

impl Grant {
    fn provided(&self) -> String {
        self.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(",")
    }

    fn require(&self, scope: &str) -> Result<(), Refusal> {
        if self.scopes.contains(scope) {
            return Ok(());
        }
        let more = json!({ "needed": scope, "provided": self.provided() });
        Err(Refusal::with("missing_scope", more))
    }
}

fn auth_test(inner: &Inner, grant: &Grant) -> Result<Value, Refusal> {
    let state = inner.state();
    let team = state.teams.get(&grant.team_id).ok_or(Refusal::new("account_inactive"))?;
    Ok(json!({
        "ok": true,
        "url": format!("https://{}.slack.com/", team.domain),
        "team": team.name,
        "user": "connect",
        "team_id": team.id,
        "user_id": team.bot_user_id,
        "bot_id": "B0SANDBOX",
        "is_enterprise_install": false,
    }))
}

fn users_info(inner: &Inner, grant: &Grant, args: &Args) -> Result<Value, Refusal> {
    grant.require("users:read")?;
    let state = inner.state();
    let id = args.text("user").ok_or(Refusal::new("user_not_found"))?;
    let user = state.visible(grant, id).ok_or(Refusal::new("user_not_found"))?;
    let with_email = grant.scopes.contains("users:read.email");
    Ok(json!({ "ok": true, "user": user.show(with_email, args.flag("include_locale")) }))
}

impl State {
    /// A user that this installation can see.
    fn visible(&self, grant: &Grant, id: &str) -> Option<&User> {
        self.users.get(id).filter(|user| user.team_id == grant.team_id || user.is_stranger)
    }

    /// The channel id and the person behind what a call names as its channel.
    fn place(&self, grant: &Grant, name: &str) -> Result<Place<'_>, Refusal> {
        if let Some(channel) = self.channels.get(name).filter(|it| it.team_id == grant.team_id) {
            return Ok(Place::Channel(channel));
        }
        let direct = name.strip_prefix('D').and_then(|tail| {
            ["U", "W"].iter().find_map(|head| self.visible(grant, &format!("{head}{tail}")))
        });
        let user = direct.or_else(|| self.visible(grant, name));
        let user = user.filter(|user| !user.deleted).ok_or(Refusal::new("channel_not_found"))?;
        if user.is_bot {
            return Err(Refusal::new("cannot_dm_bot"));
        }
        Ok(Place::Direct(user))
    }
}

/// Where a message goes.
enum Place<'a> {
    Channel(&'a Channel),
    Direct(&'a User),
}

impl Place<'_> {
    fn channel_id(&self) -> String {
        match self {
            Self::Channel(channel) => channel.id.clone(),
            // The App DM of a person: told from the user id, so that it can be found again.
            Self::Direct(user) => format!("D{}", user.id.get(1..).unwrap_or_default()),
        }
    }
}

fn post_message(inner: &Inner, grant: &Grant, args: &Args) -> Result<Value, Refusal> {
    grant.require("chat:write")?;
    let body = judged(args)?;
    let mut state = inner.state();
    let place = state.place(grant, args.text("channel").unwrap_or_default())?;
    let bot = state.teams.get(&grant.team_id).map(|team| team.bot_user_id.as_str());
    let user = match &place {
        Place::Direct(user) => Some(user.id.clone()),
        Place::Channel(channel) => {
            let inside = bot.is_some_and(|bot| channel.members.contains(bot));
            let allowed = channel.is_public && grant.scopes.contains("chat:write.public");
            if !inside && !allowed {
                return Err(Refusal::new("not_in_channel"));
            }
            None
        }
    };
    let seen = (place.channel_id(), user);
    let ts = state.stamp(inner.controls.clock.now());
    let message = message(inner, grant, Door::PostMessage, seen, &ts, body);
    let reply = json!({
        "ok": true,
        "channel": message.channel,
        "ts": ts,
        "message": {
            "type": "message", "user": bot_user(&state, grant), "bot_id": "B0SANDBOX",
            "text": message.text(), "ts": ts,
        },
    });
    state.keep(message);
    Ok(reply)
}

fn bot_user(state: &State, grant: &Grant) -> String {
    state.teams.get(&grant.team_id).map(|team| team.bot_user_id.clone()).unwrap_or_default()
}

fn post_ephemeral(inner: &Inner, grant: &Grant, args: &Args) -> Result<Value, Refusal> {
    grant.require("chat:write")?;
    let body = judged(args)?;
    let mut state = inner.state();
    let place = state.place(grant, args.text("channel").unwrap_or_default())?;
    let reader = args.text("user").ok_or(Refusal::new("user_not_in_channel"))?;
    let inside = match &place {
        Place::Channel(channel) => channel.members.contains(reader),
        Place::Direct(user) => user.id == reader,
    };
    if !inside {
        return Err(Refusal::new("user_not_in_channel"));
    }
    let seen = (place.channel_id(), Some(reader.to_owned()));
    let ts = state.stamp(inner.controls.clock.now());
    let message = message(inner, grant, Door::PostEphemeral, seen, &ts, body);
    state.keep(message);
    Ok(json!({ "ok": true, "message_ts": ts }))
}

/// A message by a call: `seen` says where, and by whom alone.
fn message(
    inner: &Inner,
    grant: &Grant,
    door: Door,
    (channel, user): (String, Option<String>),
    ts: &str,
    body: Value,
) -> Message {
    Message {
        is_ephemeral: door == Door::PostEphemeral,
        door,
        team_id: grant.team_id.clone(),
        channel,
        user,
        body,
        at: inner.controls.clock.now(),
        ts: ts.to_owned(),
        is_replaced: false,
    }
}

/// The message of a call if Slack would take it.
fn judged(args: &Args) -> Result<Value, Refusal> {
    let message = args.message();
    let filled = |name: &str| match message.get(name) {
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        _ => false,
    };
    if !filled("text") && !filled("blocks") && !filled("attachments") {
        return Err(Refusal::new("no_text"));
    }
    block_kit::validate(&message).map_err(|complaints| {
        let messages: Vec<String> =
            complaints.iter().map(|complaint| format!("[ERROR] {complaint}")).collect();
        let more = json!({
            "errors": complaints, "response_metadata": { "messages": messages },
        });
        Refusal::with("invalid_blocks", more)
    })?;
    Ok(message)
}
