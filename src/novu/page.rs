//! One page of a list.

/// Some items of a list, and where the next ones start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items that could be understood, in Novu's order.
    pub items: Vec<T>,
    /// What to pass as `after` for the next page; none on the last page.
    pub next: Option<String>,
    /// How many items were left out because they could not be understood.
    pub skipped: usize,
    /// How many items the whole list has, where Novu says so; it counts no further than 50,000.
    pub total: Option<usize>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: None, skipped: 0, total: None }
    }
}

/// The query part of an address while it is being written.
type Query<'a> = url::form_urlencoded::Serializer<'a, url::UrlQuery<'a>>;

/// The most items that Novu gives at once; more is an error.
pub(super) const MAX_LIMIT: u8 = 100;

/// Filters a list by its exact set of context keys. Novu takes one parameter per key, and an empty
/// one as "without context" (Novu 3.19 source, channel lists).
pub(super) fn append_context_keys(query: &mut Query<'_>, keys: Option<&[String]>) {
    match keys {
        None => {}
        Some([]) => {
            query.append_pair("contextKeys", "");
        }
        Some(keys) => {
            query.extend_pairs(keys.iter().map(|key| ("contextKeys", key)));
        }
    }
}

/// Says how many items to get, by default as many as possible, and from where on.
pub(super) fn append_paging(query: &mut Query<'_>, limit: Option<u8>, after: Option<&str>) {
    let limit = limit.unwrap_or(MAX_LIMIT).clamp(1, MAX_LIMIT);
    query.append_pair("limit", &limit.to_string());
    query.extend_pairs(after.map(|cursor| ("after", cursor)));
}
