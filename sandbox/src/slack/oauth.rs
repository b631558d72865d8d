//! Signing in: the consent page, and the exchange of its code.
//!
//! Source: Slack, installing with OAuth.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use url::Url;

use super::Inner;
use super::call::{Args, Refusal};
use super::code::{AuthorizeRequest, Code};
use super::model::{Team, User};
use super::state::State as Known;

use crate::transport;
use connect_clock as clock;

/// How long a code can be exchanged.
const CODE_LIFETIME: Duration = Duration::from_mins(10);

#[derive(Template)]
#[template(path = "slack_consent.html")]
struct ConsentPage<'a> {
    installs: bool,
    scopes: Vec<&'a str>,
    hidden: Vec<(&'static str, &'a str)>,
    people: Vec<Person<'a>>,
    /// Those of them who may install it for the whole organisation.
    organisers: Vec<Person<'a>>,
}

struct Person<'a> {
    id: &'a str,
    name: &'a str,
    team: &'a str,
}

impl<'a> Person<'a> {
    fn of(user: &'a User, known: &'a Known) -> Self {
        let team = known.teams.get(&user.team_id);
        let team = team.map_or(user.team_id.as_str(), |team| &team.name);
        Self { id: &user.id, name: &user.real_name, team }
    }
}

#[derive(Template)]
#[template(path = "slack_problem.html")]
struct ProblemPage<'a> {
    error: &'a str,
}

fn problem(error: &str) -> Response {
    let page = ProblemPage { error }.render().unwrap_or_default();
    (StatusCode::BAD_REQUEST, Html(page)).into_response()
}

impl AuthorizeRequest {
    fn parse(inner: &Inner, args: &Args) -> Result<Self, &'static str> {
        let text = |name: &str| args.text(name).map(str::to_owned);
        let list = |name: &str| -> Vec<String> {
            let words = args.text(name).unwrap_or_default().split([',', ' ']);
            words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let asked = Self {
            client_id: text("client_id").unwrap_or_default(),
            redirect_uri: text("redirect_uri").unwrap_or_default(),
            state: text("state"),
            scopes: list("scope"),
            user_scopes: list("user_scope"),
            team: text("team"),
        };
        if asked.client_id != inner.options.client_id {
            return Err("invalid_client_id");
        }
        if asked.scopes.is_empty() && asked.user_scopes.is_empty() {
            return Err("invalid_scope");
        }
        // Real Slack knows the registered addresses; here every one on this machine is.
        match Url::parse(&asked.redirect_uri) {
            Ok(url) if transport::is_loopback(&url) && url.fragment().is_none() => Ok(asked),
            _ => Err("bad_redirect_uri"),
        }
    }

    /// Back to the app, with what it is told.
    fn come_back(&self, told: (&str, &str)) -> Response {
        let Ok(mut url) = Url::parse(&self.redirect_uri) else {
            return problem("bad_redirect_uri");
        };
        url.query_pairs_mut()
            .append_pair(told.0, told.1)
            .append_pair("state", self.state.as_deref().unwrap_or_default());
        (StatusCode::FOUND, [(header::LOCATION, url.as_str())]).into_response()
    }

    fn page(&self, people: Vec<Person<'_>>, organisers: Vec<Person<'_>>) -> Response {
        let scopes = self.scopes.join(",");
        let user_scopes = self.user_scopes.join(",");
        let page = ConsentPage {
            installs: !self.scopes.is_empty(),
            scopes: self.scopes.iter().chain(&self.user_scopes).map(String::as_str).collect(),
            hidden: vec![
                ("client_id", &self.client_id),
                ("redirect_uri", &self.redirect_uri),
                ("state", self.state.as_deref().unwrap_or_default()),
                ("scope", &scopes),
                ("user_scope", &user_scopes),
            ],
            people,
            organisers,
        };
        page.render().map_or_else(
            |_| StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            |page| Html(page).into_response(),
        )
    }
}

/// `GET /oauth/v2/authorize`
pub(super) async fn consent(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
) -> Response {
    let args = Args::from_form(query.unwrap_or_default().as_bytes());
    let asked = match AuthorizeRequest::parse(&inner, &args) {
        Ok(asked) => asked,
        Err(error) => return problem(error),
    };
    let state = inner.state();
    let mut users: Vec<_> = state.users.values().filter(|user| user.can_sign_in()).collect();
    // The workspace that the app names comes first; people can choose another one all the same.
    users.sort_by_key(|user| asked.team.as_ref() != Some(&user.team_id));
    let may_organise = |user: &&&User| user.is_admin && user.enterprise_id.is_some();
    let organisers = users.iter().filter(may_organise).filter(|_| !asked.scopes.is_empty());
    asked.page(
        users.iter().map(|user| Person::of(user, &state)).collect(),
        organisers.map(|user| Person::of(user, &state)).collect(),
    )
}

/// `POST /oauth/v2/authorize`: the person pressed a button.
pub(super) async fn decide(State(inner): State<Arc<Inner>>, body: Bytes) -> Response {
    let args = Args::from_form(&body);
    let asked = match AuthorizeRequest::parse(&inner, &args) {
        Ok(asked) => asked,
        Err(error) => return problem(error),
    };
    let mut state = inner.state();
    let organiser = args.text("organiser");
    let user = organiser.or(args.text("user")).and_then(|id| state.users.get(id));
    let Some(user) = user.filter(|it| it.can_sign_in()).map(|user| user.id.clone()) else {
        return asked.come_back(("error", "access_denied"));
    };
    let code = state.unique("code-");
    let back = asked.come_back(("code", &code));
    let (given, for_organisation) = (inner.controls.clock.now(), organiser.is_some());
    state.codes.insert(code, Code { asked, user, for_organisation, given, used: false });
    back
}

/// `oauth.v2.access`
pub(super) fn access(inner: &Inner, headers: &HeaderMap, args: &Args) -> Result<Value, Refusal> {
    let (id, secret) = credentials(headers, args);
    if id != inner.options.client_id {
        return Err(Refusal::new("invalid_client_id"));
    }
    if secret != inner.options.client_secret {
        return Err(Refusal::new("bad_client_secret"));
    }
    let mut state = inner.state();
    let text = args.text("code").unwrap_or_default();
    let code = state.codes.get_mut(text).ok_or(Refusal::new("invalid_code"))?;
    let age = clock::between(code.given, inner.controls.clock.now());
    if code.used {
        return Err(Refusal::new("code_already_used"));
    }
    if age > CODE_LIFETIME {
        return Err(Refusal::new("invalid_code"));
    }
    if args.text("redirect_uri") != Some(code.asked.redirect_uri.as_str()) {
        return Err(Refusal::new("bad_redirect_uri"));
    }
    code.used = true;
    let code = code.clone();
    let user = state.users.get(&code.user).cloned().ok_or(Refusal::new("invalid_code"))?;
    let team = state.teams.get(&user.team_id).cloned();
    let team = team.ok_or(Refusal::new("invalid_team_for_non_distributed_app"))?;
    // An installation for the organisation puts the app into none of its workspaces.
    if !code.asked.scopes.is_empty() && !code.for_organisation {
        state.install(&team.id, &code.asked.scopes);
    }
    let user_token = state.unique("xoxp-sandbox-");
    Ok(reply(inner, &code, &user, &team, &user_token))
}

/// Credentials from the `Authorization` header or from the arguments.
fn credentials(headers: &HeaderMap, args: &Args) -> (String, String) {
    let basic = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
        .and_then(|encoded| String::from_utf8(STANDARD.decode(encoded).ok()?).ok());
    if let Some((id, secret)) = basic.as_deref().and_then(|text| text.split_once(':')) {
        return (id.to_owned(), secret.to_owned());
    }
    let text = |name| args.text(name).unwrap_or_default().to_owned();
    (text("client_id"), text("client_secret"))
}

fn reply(
    inner: &Inner,
    Code { asked, for_organisation, .. }: &Code,
    user: &User,
    team: &Team,
    user_token: &str,
) -> Value {
    let place = json!({ "id": team.id, "name": team.name });
    let organisation = user.enterprise_id.as_ref();
    let organisation = organisation.map(|id| json!({ "id": id, "name": "The organisation" }));
    let mut authed_user = json!({ "id": user.id });
    if !asked.user_scopes.is_empty() {
        authed_user = json!({
            "id": user.id,
            "scope": asked.user_scopes.join(","),
            "access_token": user_token,
            "token_type": "user",
        });
    }
    let mut reply = json!({
        "ok": true,
        "app_id": inner.options.app_id,
        "authed_user": authed_user,
        "team": if *for_organisation { Value::Null } else { place },
        "enterprise": organisation,
        "is_enterprise_install": for_organisation,
    });
    let Value::Object(fields) = &mut reply else { return reply };
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    if !asked.scopes.is_empty() {
        set("access_token", json!(team.bot_token));
        set("token_type", json!("bot"));
        set("scope", json!(asked.scopes.join(",")));
        set("bot_user_id", json!(team.bot_user_id));
    }
    if asked.scopes.iter().any(|scope| scope == "incoming-webhook") {
        set(
            "incoming_webhook",
            json!({
                "channel": "#general",
                "channel_id": "C0SANDBOX1",
                "configuration_url": format!("{}/services/B0SANDBOX", inner.url),
                "url": format!("{}/services/{}/B0SANDBOX/hook", inner.url, team.id),
            }),
        );
    }
    reply
}
