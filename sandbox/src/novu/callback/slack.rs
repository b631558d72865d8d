//! The callback's Slack half: exchanging the code, linking a person, installing into a workspace.
//!
//! Source: Novu 3.19, slack-oauth-callback use case.

use axum::response::Response;
use serde_json::{Value, json};

use super::outcome::success;
use crate::novu::envelope::Problem;
use crate::novu::model::{Connection, Integration, NewConnection, Workspace};
use crate::novu::oauth_state::{Mode, OAuthState};
use crate::novu::{Inner, context};

const DONE: &str = "Your Slack workspace is connected and ready to use.";

/// Ends a sign-in at Slack.
pub(super) async fn finish(
    inner: &Inner,
    integration: &Integration,
    oauth_state: &OAuthState,
    code: &str,
) -> Result<Response, Problem> {
    let reply = exchange(inner, integration, code).await?;
    if oauth_state.mode == Some(Mode::LinkUser) {
        // The team is thrown away: nobody asks whether the person is in the connection's workspace.
        let user = authed_user(&reply).ok_or_else(|| {
            Problem::bad_request("Slack did not return a user ID in the OAuth response")
        })?;
        let connection = oauth_state.identifier.as_deref();
        inner.link(oauth_state, "slack_user", json!({ "userId": user }), connection)?;
    } else if let Some(url) = reply.pointer("/incoming_webhook/url") {
        let mut address = json!({ "url": url });
        if let Some(channel) = reply.pointer("/incoming_webhook/channel") {
            address["channel"] = channel.clone();
        }
        inner.link(oauth_state, "webhook", address, None)?;
    } else {
        install(inner, oauth_state, &reply)?;
    }
    success(integration, DONE)
}

fn authed_user(reply: &Value) -> Option<&str> {
    reply.pointer("/authed_user/id").and_then(Value::as_str)
}

/// Turns the code into Slack's reply.
async fn exchange(inner: &Inner, integration: &Integration, code: &str) -> Result<Value, Problem> {
    let reply = ask(inner, integration, code).await?;
    if reply.get("ok") == Some(&Value::Bool(false)) {
        return Err(refusal(&reply));
    }
    Ok(reply)
}

async fn ask(inner: &Inner, integration: &Integration, code: &str) -> Result<Value, Problem> {
    let form = [
        ("redirect_uri", inner.redirect_uri()),
        ("code", code.to_owned()),
        ("client_id", integration.client_id.clone().unwrap_or_default()),
        ("client_secret", integration.secret_key.clone().unwrap_or_default()),
    ];
    let url = format!("{}/api/oauth.v2.access", inner.options.slack_base);
    let (status, reply) = inner.ask_provider(&url, &form).await?;
    // The HTTP library throws on any other status, and nobody catches that.
    if status.is_success() { Ok(reply) } else { Err(Problem::uncaught()) }
}

fn refusal(reply: &Value) -> Problem {
    let error = reply.get("error").and_then(Value::as_str).unwrap_or("undefined");
    let messages: Vec<&str> = reply
        .pointer("/response_metadata/messages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let metadata = if messages.is_empty() {
        String::new()
    } else {
        format!(", metadata: {}", messages.join(", "))
    };
    Problem::bad_request(format!("Slack OAuth error: {error}{metadata}"))
}

/// Stores the workspace, and links the installer too where that was asked for.
fn install(inner: &Inner, oauth_state: &OAuthState, reply: &Value) -> Result<(), Problem> {
    let connection = store(inner, oauth_state, reply)?;
    let user = authed_user(reply).filter(|_| oauth_state.auto_link_user == Some(true));
    if let Some(user) = user
        && oauth_state.subscriber_id.is_some()
    {
        let address = json!({ "userId": user });
        inner.link(oauth_state, "slack_user", address, Some(&connection.identifier))?;
    }
    Ok(())
}

fn store(inner: &Inner, oauth_state: &OAuthState, reply: &Value) -> Result<Connection, Problem> {
    let text = |pointer| reply.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let shared = oauth_state.connection_mode.as_deref() == Some("shared");
    let new = NewConnection {
        identifier: oauth_state.identifier.clone().unwrap_or_default(),
        integration: oauth_state.integration_identifier.clone(),
        workspace: Workspace {
            // A whole-organization install has no team; Novu trips over that.
            id: text("/team/id").ok_or_else(Problem::uncaught)?,
            name: text("/team/name"),
            bot_user_id: text("/bot_user_id"),
        },
        access_token: text("/access_token").unwrap_or_default(),
        subscriber_id: oauth_state.subscriber_id.clone().filter(|_| !shared),
        context_keys: oauth_state.context.as_ref().map(context::keys).unwrap_or_default(),
        created_at: None,
    };
    let now = inner.controls.clock.now();
    let mut state = inner.write();
    // By identifier first, whatever integration, subscriber and context it has; else by those three.
    let existing = state.connections.get(&new.identifier).or_else(|| {
        state.same_connection(&new.integration, new.subscriber_id.as_deref(), &new.context_keys)
    });
    let existing = existing.map(|connection| connection.identifier.clone());
    match existing.and_then(|identifier| state.connections.get_mut(&identifier)) {
        Some(connection) => {
            connection.workspace = new.workspace;
            connection.access_token = new.access_token;
            connection.updated_at = now;
            Ok(connection.clone())
        }
        None => state.insert_connection(new, now),
    }
}
