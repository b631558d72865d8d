//! Who is in a conversation.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State as Extract};
use serde_json::{Map, Value, json};

use super::super::Inner;
use super::super::model::{Conversation, Person, Role, Standing};
use super::super::state::State;
use super::{Address, Lane, Refusal, count};

/// The fewest and the most members on a page; other page sizes are brought to these.
const PAGE: (usize, usize) = (50, 500);
/// How many members are on a page if nobody says.
const USUAL_PAGE: usize = 200;

/// `GET /v3/conversations/{conversation}/members/{member}`
pub(super) async fn member(
    Extract(inner): Extract<Arc<Inner>>,
    Path(address): Path<Address>,
) -> Result<Json<Value>, Refusal> {
    let state = inner.state();
    let conversation = readable(&inner, &state, &address.conversation)?;
    let person = state.person(&address.member);
    let person = person.filter(|person| conversation.members.contains(&person.oid));
    person.map(|person| Json(show(person))).ok_or_else(Refusal::no_member)
}

/// `GET /v3/conversations/{conversation}/pagedmembers?pageSize&continuationToken`
pub(super) async fn paged(
    Extract(inner): Extract<Arc<Inner>>,
    Path(address): Path<Address>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Refusal> {
    let state = inner.state();
    let conversation = readable(&inner, &state, &address.conversation)?;
    let query = query.unwrap_or_default();
    let parameter = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    let size = parameter("pageSize").and_then(|size| size.parse().ok()).unwrap_or(USUAL_PAGE);
    let size = size.clamp(PAGE.0, PAGE.1);
    let start = match parameter("continuationToken").filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => token
            .strip_prefix("after-")
            .and_then(|count| count.parse::<usize>().ok())
            .ok_or_else(|| Refusal::bad_argument("The continuation token is invalid"))?,
    };
    let people = conversation.members.iter().filter_map(|oid| state.people.get(oid));
    let members: Vec<Value> = people.skip(start).take(size).map(show).collect();
    let end = start.saturating_add(members.len());
    let mut page = Map::new();
    if end < conversation.members.len() {
        page.insert("continuationToken".to_owned(), json!(format!("after-{end}")));
    }
    page.insert("members".to_owned(), members.into());
    Ok(Json(Value::Object(page)))
}

/// The conversation whose members may be told: the bot has to be in it.
fn readable<'a>(inner: &Inner, state: &'a State, id: &str) -> Result<&'a Conversation, Refusal> {
    let conversation = state.roster(id).ok_or_else(Refusal::no_conversation)?;
    count(inner, Lane::Members, &conversation.id, &conversation.tenant)?;
    match (conversation.standing, conversation.standing.refusal()) {
        (Standing::NotInstalled, Some((code, message))) => Err(Refusal::forbidden(code, message)),
        _ => Ok(conversation),
    }
}

/// A member as the connector tells it. The object id comes under both of its names.
fn show(person: &Person) -> Value {
    let role = match person.role {
        Role::Member => "user",
        Role::Guest { .. } => "guest",
        Role::Anonymous => "anonymous",
    };
    let mut member = json!({ "id": person.account, "name": person.name, "userRole": role });
    let Value::Object(fields) = &mut member else { return member };
    if person.role == Role::Anonymous {
        return member;
    }
    let (given, surname) = person.name.split_once(' ').unwrap_or((&person.name, ""));
    let more = [
        ("objectId", Some(person.oid.as_str())),
        ("aadObjectId", Some(&person.oid)),
        ("givenName", Some(given)),
        ("surname", Some(surname)),
        ("email", person.email.as_deref()),
        ("userPrincipalName", person.upn.as_deref()),
        ("tenantId", Some(&person.tenant)),
    ];
    for (name, value) in more {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            fields.insert(name.to_owned(), value.into());
        }
    }
    member
}
