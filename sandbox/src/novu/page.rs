//! Lists: limits, order and cursors.
//!
//! Source: Novu 3.19, cursor pagination of the base repository.

use axum::Json;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::envelope::Problem;
use super::store::{Collection, Document, Oid};

/// Query parameters, in order and with repetitions.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn parse(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// The first value of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of that name unless it is empty.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// All values of that name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The exact context keys to filter by, sorted; none if there is no such filter.
    pub(super) fn context_keys(&self) -> Option<Vec<&str>> {
        let mut given = self
            .0
            .iter()
            .filter(|(key, _)| key == "contextKeys" || key == "contextKeys[]")
            .peekable();
        given.peek()?;
        let mut keys: Vec<&str> =
            given.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty()).collect();
        keys.sort_unstable();
        Some(keys)
    }
}

/// What the documents are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Id,
    Created,
    Updated,
}

/// How one API pages, and what else it judges in the query.
#[derive(Debug)]
pub(super) struct Rules {
    /// The command that judges after the query was read.
    pub(super) class: &'static str,
    /// Whether the query is judged when it is read, and a cursor that is no id breaks the request.
    pub(super) typed: bool,
    /// What is ordered by unless the query says.
    pub(super) default_order: &'static str,
    /// Parameters that have to be one of some words.
    pub(super) words: &'static [(&'static str, &'static [&'static str])],
    /// Parameters that have to be there only once.
    pub(super) texts: &'static [&'static str],
}

/// The paging part of a query.
#[derive(Debug)]
pub(super) struct Paging {
    limit: usize,
    cursor: Option<Cursor>,
    order: Order,
    ascending: bool,
    include_cursor: bool,
}

#[derive(Debug)]
enum Cursor {
    After(Option<Oid>),
    Before(Option<Oid>),
}

impl Paging {
    /// Reads and judges the paging parameters.
    pub(super) fn parse(params: &Params, rules: &Rules) -> Result<Self, Problem> {
        let mut messages: Vec<String> = Vec::new();
        for (name, words) in rules.words {
            if params.filled(name).is_some_and(|given| !words.contains(&given)) {
                let words = words.join(", ");
                messages.push(format!("{name} must be one of the following values: {words}"));
            }
        }
        for name in rules.texts {
            if params.all(name).count() > 1 {
                messages.push(format!("{name} must be a string"));
            }
        }
        let limit = limit(params, rules, &mut messages);
        if !messages.is_empty() {
            return Err(Problem::validation(messages));
        }
        // A field that nothing has leaves the order to the id.
        let order = match params.get("orderBy").unwrap_or(rules.default_order) {
            "createdAt" => Order::Created,
            "updatedAt" => Order::Updated,
            _ => Order::Id,
        };
        let limit = limit?;
        Ok(Self {
            limit,
            cursor: cursor(params, rules)?,
            order,
            ascending: params.filled("orderDirection").is_some_and(|direction| direction != "DESC"),
            include_cursor: params.get("includeCursor") == Some("true"),
        })
    }

    /// The page of those of `rows` that the cursor allows, each written by `show`.
    pub(super) fn list<'a, T: Document>(
        &self,
        all: &'a Collection<T>,
        rows: impl Iterator<Item = (Oid, &'a T)>,
        show: impl Fn(Oid, &T) -> Value,
    ) -> Response {
        let mut rows: Vec<(Key, &T)> =
            rows.map(|(id, document)| (self.key(id, document), document)).collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        if !self.ascending {
            rows.reverse();
        }
        let Some((start, end)) = self.window(all, &rows) else {
            return envelope(&[], None, None, 0);
        };
        let page = rows.get(start..end).unwrap_or_default();
        let previous = page.first().filter(|_| start > 0).map(|(key, _)| key.1);
        let next = page.last().filter(|_| end < rows.len()).map(|(key, _)| key.1);
        let data: Vec<Value> = page.iter().map(|(key, document)| show(key.1, document)).collect();
        envelope(&data, next, previous, rows.len())
    }

    fn key<T: Document>(&self, id: Oid, document: &T) -> Key {
        match self.order {
            Order::Id => (Timestamp::UNIX_EPOCH, id),
            Order::Created => (document.created_at(), id),
            Order::Updated => (document.updated_at(), id),
        }
    }

    /// The part of the ordered rows that is the page; none if the cursor is no document.
    fn window<T: Document>(
        &self,
        all: &Collection<T>,
        rows: &[(Key, &T)],
    ) -> Option<(usize, usize)> {
        let before = |cursor: Key, key: Key, inclusive: bool| {
            (key == cursor && inclusive) || (key != cursor && (key < cursor) == self.ascending)
        };
        match self.cursor {
            None => Some((0, self.limit.min(rows.len()))),
            Some(Cursor::After(id)) => {
                let cursor = self.key(id?, all.by_id(id?)?);
                let start =
                    rows.partition_point(|(key, _)| before(cursor, *key, !self.include_cursor));
                Some((start, (start + self.limit).min(rows.len())))
            }
            Some(Cursor::Before(id)) => {
                let cursor = self.key(id?, all.by_id(id?)?);
                let end =
                    rows.partition_point(|(key, _)| before(cursor, *key, self.include_cursor));
                Some((end.saturating_sub(self.limit), end))
            }
        }
    }
}

/// What a row is ordered by; the id decides between equals.
type Key = (Timestamp, Oid);

/// Totals are counted up to here.
const COUNTED: usize = 50_000;

fn envelope(data: &[Value], next: Option<Oid>, previous: Option<Oid>, total: usize) -> Response {
    Json(json!({
        "data": data,
        "next": next.map(|id| id.to_string()),
        "previous": previous.map(|id| id.to_string()),
        "totalCount": total.min(COUNTED),
        "totalCountCapped": total > COUNTED,
    }))
    .into_response()
}

/// The limit, as JavaScript reads numbers: nothing and 0 are the default, fractions pass.
fn limit(params: &Params, rules: &Rules, messages: &mut Vec<String>) -> Result<usize, Problem> {
    const DEFAULT: usize = 10;
    const LARGEST: f64 = 100.0;
    let given = params.filled("limit").map_or(Some(0.0), |text| text.parse::<f64>().ok());
    let given = given.filter(|_| params.all("limit").count() < 2);
    let wrong = match given {
        None if rules.typed => {
            messages.push("limit must not be greater than 100".to_owned());
            return Ok(DEFAULT);
        }
        Some(limit) if rules.typed && limit > LARGEST => {
            messages.push("limit must not be greater than 100".to_owned());
            return Ok(DEFAULT);
        }
        None => return Ok(DEFAULT),
        Some(limit) if limit > LARGEST => ("greater than 100", limit),
        Some(limit) if limit < 0.0 => ("less than 1", limit),
        Some(limit) => return Ok(whole(limit).filter(|limit| *limit > 0).unwrap_or(DEFAULT)),
    };
    let (rule, limit) = wrong;
    let value = whole(limit.abs()).map(|size| {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        json!(if limit < 0.0 { -size } else { size })
    });
    let messages = vec![format!("limit must not be {rule}")];
    Err(Problem::command(rules.class, &[("limit", messages, value)]))
}

/// The whole part of a number.
fn whole(number: f64) -> Option<usize> {
    format!("{:.0}", number.trunc()).parse().ok()
}

fn cursor(params: &Params, rules: &Rules) -> Result<Option<Cursor>, Problem> {
    let id = |text: &str| match Oid::parse(text) {
        None if rules.typed => Err(Problem::uncaught()),
        id => Ok(id),
    };
    match (params.filled("after"), params.filled("before")) {
        (Some(_), Some(_)) => Err(Problem::bad_request(
            "Cannot specify both \"before\" and \"after\" cursors at the same time.",
        )),
        (Some(after), None) => Ok(Some(Cursor::After(id(after)?))),
        (None, Some(before)) => Ok(Some(Cursor::Before(id(before)?))),
        (None, None) => Ok(None),
    }
}
