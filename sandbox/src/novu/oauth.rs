//! Minting: the routes that answer with a URL to sign in at.
//!
//! Source: Novu 3.19, generate-link-user, generate-connect and the Slack and Teams URL use cases.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::Inner;
use super::context;
use super::envelope::{Problem, created};
use super::guard::Input;
use super::model::{Integration, Profile};
use super::oauth_state::{Mode, OAuthState};
use super::validate::Form;

/// Providers that people can sign in to.
const PROVIDERS: [&str; 4] = ["slack", "novu-slack", "msteams", "webex-messaging"];
/// What a personal Slack link asks for by default.
const LINK_SCOPES: &str = "identity.basic";
/// What installing into Slack asks for by default.
const BOT_SCOPES: &str =
    "chat:write,chat:write.public,channels:read,groups:read,users:read,users:read.email";

/// A request for a URL, after its body was judged.
#[derive(Debug)]
struct Order<'a> {
    mode: Mode,
    integration: &'a str,
    subscriber: Option<&'a str>,
    connection: Option<&'a str>,
    context: Option<&'a Value>,
    context_hash: Option<&'a str>,
    scope: Option<Vec<&'a str>>,
    user_scope: Option<Vec<&'a str>>,
    connection_mode: Option<&'a str>,
    auto_link_user: Option<bool>,
}

/// `POST /v1/integrations/channel-endpoints/oauth`
pub(super) async fn link_user(
    State(inner): State<Arc<Inner>>,
    Extension(Input(body)): Extension<Input>,
) -> Result<Response, Problem> {
    let mut form = Form::new(&body);
    let order = Order {
        mode: Mode::LinkUser,
        subscriber: Some(form.required("subscriberId", "subscriberId is required for link_user")),
        integration: form.required("integrationIdentifier", "Integration identifier is required"),
        connection: form.text("connectionIdentifier"),
        context: form.context(),
        context_hash: form.text("contextHash"),
        user_scope: form.texts("userScope"),
        scope: None,
        connection_mode: None,
        auto_link_user: None,
    };
    form.finish()?;
    let integration = inner.chat_integration(order.integration)?;
    verify_context(&inner, &integration, &order)?;
    mint(&inner, &integration, &order)
}

/// `POST /v1/integrations/channel-connections/oauth`
pub(super) async fn connect(
    State(inner): State<Arc<Inner>>,
    Extension(Input(body)): Extension<Input>,
) -> Result<Response, Problem> {
    let mut form = Form::new(&body);
    let order = connect_order(&mut form);
    form.finish()?;
    let integration = inner.chat_integration(order.integration)?;
    verify_context(&inner, &integration, &order)?;
    mint(&inner, &integration, &order)
}

fn connect_order<'a>(form: &mut Form<'a>) -> Order<'a> {
    Order {
        mode: Mode::Connect,
        subscriber: form.text("subscriberId"),
        integration: form.required("integrationIdentifier", "Integration identifier is required"),
        connection: form.text("connectionIdentifier"),
        context: form.context(),
        context_hash: form.text("contextHash"),
        scope: form.texts("scope"),
        user_scope: None,
        connection_mode: form.one_of("connectionMode", &["subscriber", "shared"]),
        auto_link_user: form.boolean("autoLinkUser"),
    }
}

/// `POST /v1/integrations/chat/oauth`: the deprecated combined form, which signs no context.
pub(super) async fn combined(
    State(inner): State<Arc<Inner>>,
    Extension(Input(body)): Extension<Input>,
) -> Result<Response, Problem> {
    let mut form = Form::new(&body);
    let mut order = connect_order(&mut form);
    order.user_scope = form.texts("userScope");
    if form.one_of("mode", &["connect", "link_user"]) == Some("link_user") {
        order.mode = Mode::LinkUser;
    }
    form.finish()?;
    let integration = inner.chat_integration(order.integration)?;
    mint(&inner, &integration, &order)
}

impl Inner {
    fn chat_integration(&self, identifier: &str) -> Result<Arc<Integration>, Problem> {
        self.read()
            .integration(identifier)
            .filter(|it| it.channel == "chat" && PROVIDERS.contains(&it.provider_id.as_str()))
            .cloned()
            .ok_or_else(|| {
                Problem::not_found(format!(
                    "Integration not found: {identifier} in environment {}",
                    self.options.environment_id
                ))
            })
    }
}

fn verify_context(
    inner: &Inner,
    integration: &Integration,
    order: &Order<'_>,
) -> Result<(), Problem> {
    if !integration.hmac {
        return Ok(());
    }
    let context = order.context.ok_or_else(|| {
        Problem::bad_request("A context is required when HMAC validation is enabled.")
    })?;
    let given = order.context_hash.filter(|hash| !hash.is_empty()).ok_or_else(|| {
        Problem::bad_request("A valid contextHash is required when HMAC validation is enabled.")
    })?;
    let canonical = context::canonical(context).map_err(|_| Problem::uncaught())?;
    if inner.options.api_keys.iter().any(|key| context::hash(key, &canonical) == given) {
        Ok(())
    } else {
        Err(Problem::bad_request("Please provide a valid context HMAC hash"))
    }
}

fn mint(inner: &Inner, integration: &Integration, order: &Order<'_>) -> Result<Response, Problem> {
    let url = match integration.provider_id.as_str() {
        "slack" | "novu-slack" => slack_url(inner, integration, order),
        "msteams" => teams_url(inner, integration, order),
        // The one provider that Novu knows and this stand-in does not.
        provider => {
            Err(Problem::bad_request(format!("OAuth not supported for provider: {provider}")))
        }
    }?;
    Ok(created(&json!({ "url": url })))
}

/// The Slack URL. Creates the subscriber where it is missing, before anything else is looked at.
fn slack_url(
    inner: &Inner,
    integration: &Integration,
    order: &Order<'_>,
) -> Result<String, Problem> {
    check_subject(order)?;
    if let Some(subscriber) = order.subscriber.filter(|id| !id.is_empty()) {
        provision(inner, subscriber)?;
    }
    let client_id = client_id(integration, "Slack")?;
    let state = state(inner, integration, order)?;
    let scopes = |given: &Option<Vec<&str>>, usual: &str| {
        given.as_ref().map_or_else(|| usual.to_owned(), |scopes| scopes.join(","))
    };
    let (name, scopes) = match order.mode {
        Mode::LinkUser => ("user_scope", scopes(&order.user_scope, LINK_SCOPES)),
        Mode::Connect => ("scope", scopes(&order.scope, BOT_SCOPES)),
    };
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("state", &state)
        .append_pair("client_id", client_id)
        .append_pair("redirect_uri", &inner.redirect_uri())
        .append_pair(name, &scopes)
        .finish();
    Ok(format!("{}/oauth/v2/authorize?{query}", inner.options.slack_base))
}

fn check_subject(order: &Order<'_>) -> Result<(), Problem> {
    let subscriber = order.subscriber.filter(|id| !id.is_empty());
    let wants_webhook =
        order.scope.as_ref().is_some_and(|scopes| scopes.contains(&"incoming-webhook"));
    if wants_webhook && subscriber.is_none() {
        return Err(Problem::bad_request("subscriberId is required for incoming webhook"));
    }
    match order.connection_mode {
        Some("shared") if order.context.is_none() => {
            Err(Problem::bad_request("context is required when connectionMode is \"shared\""))
        }
        Some("subscriber") if subscriber.is_none() => Err(Problem::bad_request(
            "subscriberId is required when connectionMode is \"subscriber\"",
        )),
        None => either(subscriber, order.context),
        Some(_) => Ok(()),
    }
}

fn either(subscriber: Option<&str>, context: Option<&Value>) -> Result<(), Problem> {
    if subscriber.is_none() && context.is_none() {
        return Err(Problem::bad_request("Either subscriberId or context must be provided"));
    }
    Ok(())
}

fn provision(inner: &Inner, subscriber: &str) -> Result<(), Problem> {
    // The state keeps the id as it was sent, so an id with outer spaces fails at the callback.
    let id = subscriber.trim();
    if inner.read().subscribers.contains(id) {
        return Ok(());
    }
    if id.is_empty() {
        let wrong = vec!["subscriberId should not be empty".to_owned()];
        let fields = [("subscriberId", wrong, Some(json!("")))];
        return Err(Problem::command("CreateOrUpdateSubscriberCommand", &fields));
    }
    inner.write().put_subscriber(id, Profile::default(), inner.controls.clock.now());
    Ok(())
}

/// The Teams URL: a person signs in, or an administrator consents for the whole tenant.
fn teams_url(
    inner: &Inner,
    integration: &Integration,
    order: &Order<'_>,
) -> Result<String, Problem> {
    let subscriber = order.subscriber.filter(|id| !id.is_empty());
    either(subscriber, order.context)?;
    if let Some(id) = subscriber
        && !inner.read().subscribers.contains(id)
    {
        return Err(Problem::not_found(format!("Subscriber not found: {id}")));
    }
    let client_id = client_id(integration, "MS Teams")?;
    let state = state(inner, integration, order)?;
    Ok(entra_url(inner, client_id, &state, order.mode))
}

/// Where Entra asks the person, or the administrator.
pub(super) fn entra_url(inner: &Inner, client_id: &str, state: &str, mode: Mode) -> String {
    let base = &inner.options.entra_base;
    let redirect_uri = inner.redirect_uri();
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", client_id);
    match mode {
        Mode::LinkUser => {
            query
                .append_pair("response_type", "code")
                .append_pair("redirect_uri", &redirect_uri)
                .append_pair("scope", "openid profile User.Read")
                .append_pair("state", state)
                .append_pair("response_mode", "query");
            format!("{base}/organizations/oauth2/v2.0/authorize?{}", query.finish())
        }
        Mode::Connect => {
            query
                .append_pair("redirect_uri", &redirect_uri)
                .append_pair("scope", "https://graph.microsoft.com/.default")
                .append_pair("state", state);
            format!("{base}/organizations/v2.0/adminconsent?{}", query.finish())
        }
    }
}

fn client_id<'a>(integration: &'a Integration, provider: &str) -> Result<&'a str, Problem> {
    // The space at the end is Novu's.
    if integration.client_id.is_none() && integration.secret_key.is_none() {
        return Err(Problem::not_found(format!("{provider} integration missing credentials ")));
    }
    integration.client_id.as_deref().filter(|id| !id.is_empty()).ok_or_else(|| {
        Problem::not_found(format!(
            "{provider} integration missing required OAuth credentials (clientId) "
        ))
    })
}

fn state(inner: &Inner, integration: &Integration, order: &Order<'_>) -> Result<String, Problem> {
    let environment = &inner.options.environment_id;
    let key = inner
        .state_key()
        .ok_or_else(|| Problem::not_found(format!("Environment ID: {environment} not found")))?;
    let teams = integration.provider_id == "msteams";
    let oauth_state = OAuthState {
        identifier: order.connection.map(str::to_owned),
        subscriber_id: order.subscriber.map(str::to_owned),
        context: order.context.cloned(),
        environment_id: environment.clone(),
        organization_id: inner.options.organization_id.clone(),
        integration_identifier: integration.identifier.clone(),
        provider_id: integration.provider_id.clone(),
        timestamp: inner.controls.clock.now().as_millisecond(),
        mode: Some(order.mode),
        connection_mode: order.connection_mode.filter(|_| !teams).map(str::to_owned),
        auto_link_user: order.auto_link_user,
    };
    Ok(oauth_state.sign(&key))
}
