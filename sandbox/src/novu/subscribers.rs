//! Subscribers, version 2.
//!
//! Source: Novu 3.19, subscribers-v2 controller.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::Inner;
use super::envelope::{Problem, created, ok};
use super::guard::Input;
use super::model::{Profile, Subscriber, subscriber_json};
use super::page::{Paging, Params, Rules};
use super::store::Oid;
use super::validate::Form;

const PAGING: Rules = Rules {
    class: "ListSubscribersCommand",
    typed: false,
    default_order: "_id",
    words: &[],
    texts: &["email", "phone", "name", "subscriberId"],
};

/// `GET /v2/subscribers`: a search by substrings, whatever its description says.
pub(super) async fn search(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let params = Params::parse(query.as_deref());
    let paging = Paging::parse(&params, &PAGING)?;
    let needle = |name| params.filled(name).map(str::to_lowercase);
    let (email, phone, name) = (needle("email"), needle("phone"), needle("name"));
    let wanted = |(_, subscriber): &(Oid, &Subscriber)| {
        let profile = &subscriber.profile;
        contains(profile.email.as_deref(), email.as_deref())
            && contains(profile.phone.as_deref(), phone.as_deref())
            && contains(Some(&full_name(profile)), name.as_deref())
    };
    let state = inner.read();
    let all = &state.subscribers;
    let show = |id, subscriber: &Subscriber| inner.show_subscriber(id, subscriber);
    Ok(match params.filled("subscriberId") {
        Some(id) => {
            let found = all.id_of(id).zip(all.get(id));
            paging.list(all, found.into_iter().filter(wanted), show)
        }
        None => paging.list(all, all.all().filter(wanted), show),
    })
}

fn contains(text: Option<&str>, needle: Option<&str>) -> bool {
    needle.is_none_or(|needle| text.is_some_and(|text| text.to_lowercase().contains(needle)))
}

fn full_name(profile: &Profile) -> String {
    let names = [&profile.first_name, &profile.last_name];
    let names: Vec<&str> = names.into_iter().filter_map(Option::as_deref).collect();
    names.join(" ")
}

impl Inner {
    fn show_subscriber(&self, id: Oid, subscriber: &Subscriber) -> Value {
        let options = &self.options;
        subscriber_json(id, subscriber, &options.environment_id, &options.organization_id)
    }

    /// The subscriber as the API shows it, if there is one.
    fn shown_subscriber(&self, id: &str) -> Option<Value> {
        let state = self.read();
        let subscriber = state.subscribers.get(id)?;
        Some(self.show_subscriber(state.subscribers.id_of(id)?, subscriber))
    }
}

fn missing(id: &str) -> Problem {
    Problem::not_found(format!("Subscriber: {id} was not found"))
}

/// `GET /v2/subscribers/{subscriberId}`
pub(super) async fn get(
    State(inner): State<Arc<Inner>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    inner.shown_subscriber(&id).as_ref().map(ok).ok_or_else(|| missing(&id))
}

/// `POST /v2/subscribers[?failIfExists=true]`
pub(super) async fn create(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
    Extension(Input(body)): Extension<Input>,
) -> Result<Response, Problem> {
    let mut form = Form::new(&body);
    let sent = form.required("subscriberId", "SubscriberId is required");
    let id = sent.trim().to_owned();
    if id.is_empty() && !sent.is_empty() {
        form.complain("SubscriberId is required");
    }
    judge_profile(&mut form);
    form.finish()?;
    let fail_if_exists =
        Params::parse(query.as_deref()).get("failIfExists").is_some_and(|value| value == "true");
    {
        let now = inner.controls.clock.now();
        let mut state = inner.write();
        if state.subscribers.contains(&id) && fail_if_exists {
            return Err(Problem::conflict(format!("Subscriber with id \"{id}\" already exists")));
        }
        if !state.subscribers.contains(&id) {
            state.put_subscriber(&id, Profile::default(), now);
        }
        if let Some(subscriber) = state.subscribers.get_mut(&id) {
            apply(subscriber, &body);
            // What is not sent is kept, save for the data, which goes.
            subscriber.profile.data = data(&body);
            subscriber.updated_at = now;
        }
    }
    inner.shown_subscriber(&id).as_ref().map(created).ok_or_else(|| missing(&id))
}

/// `PATCH /v2/subscribers/{subscriberId}`
pub(super) async fn patch(
    State(inner): State<Arc<Inner>>,
    Path(id): Path<String>,
    Extension(Input(body)): Extension<Input>,
) -> Result<Response, Problem> {
    let mut form = Form::new(&body);
    judge_profile(&mut form);
    form.finish()?;
    {
        let mut state = inner.write();
        let subscriber = state
            .subscribers
            .get_mut(&id)
            .ok_or_else(|| Problem::not_found(format!("Subscriber {id} was not found")))?;
        apply(subscriber, &body);
        if let Some(data) = data(&body) {
            subscriber.profile.data = Some(data);
        }
        subscriber.updated_at = inner.controls.clock.now();
    }
    inner.shown_subscriber(&id).as_ref().map(ok).ok_or_else(|| missing(&id))
}

/// `DELETE /v2/subscribers/{subscriberId}`. The endpoints stay and keep their chat users locked.
pub(super) async fn delete(
    State(inner): State<Arc<Inner>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let removed = inner.write().subscribers.remove(&id);
    removed.ok_or_else(|| {
        Problem::not_found("Subscriber was not found").with(&[("externalSubscriberId", &id)])
    })?;
    Ok(ok(&json!({ "acknowledged": true, "status": "deleted" })))
}

fn judge_profile(form: &mut Form<'_>) {
    for field in ["firstName", "lastName", "phone", "avatar"] {
        form.text(field);
    }
    if form.text("email").is_some_and(|email| !looks_like_email(email)) {
        form.complain("email must be an email");
    }
    if form.text("locale").is_some_and(|locale| !is_locale(locale)) {
        form.complain("locale must be locale");
    }
    if form.text("timezone").is_some_and(|zone| !is_time_zone(zone)) {
        form.complain("timezone must be a valid IANA time-zone");
    }
    if form.value("data").is_some_and(|data| !data.is_object()) {
        form.complain("data must be an object");
    }
}

fn looks_like_email(email: &str) -> bool {
    email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
    })
}

/// A language, a script and a region, the last two optional, such as `en`, `en_GB` or `zh-Hans-CN`.
fn is_locale(text: &str) -> bool {
    let letters = |part: &str| part.bytes().all(|it| it.is_ascii_alphabetic());
    let area = |part: &str| part.len() == 3 && part.bytes().all(|it| it.is_ascii_digit());
    let mut parts = text.split(['-', '_']).peekable();
    let language = parts.next().is_some_and(|it| (2..=4).contains(&it.len()) && letters(it));
    parts.next_if(|it| it.len() == 4 && letters(it) || area(it));
    parts.next_if(|it| it.len() == 2 && letters(it) || area(it));
    language && parts.next().is_none()
}

/// A time zone by its form: the stand-in has no list of them.
fn is_time_zone(text: &str) -> bool {
    matches!(text, "UTC" | "GMT")
        || text.split_once('/').is_some_and(|(area, _)| {
            [
                "Africa",
                "America",
                "Antarctica",
                "Arctic",
                "Asia",
                "Atlantic",
                "Australia",
                "Etc",
                "Europe",
                "Indian",
                "Pacific",
            ]
            .contains(&area)
        })
}

/// Takes over the text fields that were sent; null clears one.
fn apply(subscriber: &mut Subscriber, body: &Value) {
    for (name, slot) in subscriber.profile.texts_mut() {
        if let Some(value) = body.get(name) {
            *slot = value.as_str().map(str::to_owned);
            if value.is_null() {
                subscriber.cleared.insert(name);
            }
        }
    }
}

fn data(body: &Value) -> Option<Map<String, Value>> {
    body.get("data").and_then(Value::as_object).cloned()
}
