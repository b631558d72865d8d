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

/// How one API pages.
#[derive(Debug)]
pub(super) struct Rules {
    /// The largest limit; none if there is no such thing.
    pub(super) largest: Option<usize>,
    /// The names that `orderBy` may have; the first is the default.
    pub(super) orders: [&'static str; 2],
    /// Whether a cursor that is no document id breaks the request, as opposed to an empty page.
    pub(super) bad_cursor_breaks: bool,
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
        let mut messages = Vec::new();
        let limit = limit(params, rules, &mut messages);
        let order_by = params.get("orderBy").unwrap_or(rules.orders[0]);
        let order = match order_by {
            "_id" => Order::Id,
            "updatedAt" => Order::Updated,
            _ => Order::Created,
        };
        if !rules.orders.contains(&order_by) {
            let allowed = rules.orders.join(", ");
            messages.push(format!("orderBy must be one of the following values: {allowed}"));
        }
        let direction = params.get("orderDirection").unwrap_or("DESC");
        if !matches!(direction, "ASC" | "DESC") {
            messages
                .push("orderDirection must be one of the following values: ASC, DESC".to_owned());
        }
        if !messages.is_empty() {
            return Err(Problem::validation(messages));
        }
        Ok(Self {
            limit,
            cursor: cursor(params, rules)?,
            order,
            ascending: direction == "ASC",
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

fn limit(params: &Params, rules: &Rules, messages: &mut Vec<String>) -> usize {
    const DEFAULT: usize = 10;
    let Some(text) = params.filled("limit") else { return DEFAULT };
    let Ok(limit) = text.parse::<usize>() else {
        messages.push("limit must be an integer number".to_owned());
        return DEFAULT;
    };
    if let Some(largest) = rules.largest
        && limit > largest
    {
        messages.push(format!("limit must not be greater than {largest}"));
    }
    if limit == 0 { DEFAULT } else { limit }
}

fn cursor(params: &Params, rules: &Rules) -> Result<Option<Cursor>, Problem> {
    let id = |text: &str| match Oid::parse(text) {
        None if rules.bad_cursor_breaks => Err(Problem::uncaught()),
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
