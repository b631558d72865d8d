//! The audit page by page, for whoever reads it from the service that writes it.

use super::line::Pseudonyms;
use super::reading::is_about;
use crate::store::{AuditPlace, Owner, Store, StoreError};

/// The most lines that are looked at for one page, so that a search for one person's ends.
const MOST_LOOKED_AT: usize = 10_000;
/// Lines that are read at once.
const AT_ONCE: u32 = 500;

/// Lines of the audit.
#[derive(Debug, Default)]
pub struct Page {
    /// The lines, in the order in which they were stored.
    pub lines: Vec<String>,
    /// Where the page ends; none before the first line.
    pub end: Option<AuditPlace>,
    /// Whether there are more.
    pub more: bool,
}

/// The lines behind a place, or from the beginning, `most` at most; or those of them that are about one
/// person.
///
/// # Errors
/// The store does not answer.
pub async fn page(
    store: &Store,
    after: Option<AuditPlace>,
    person: Option<&Owner>,
    most: u32,
) -> Result<Page, StoreError> {
    let mut page = Page { end: after, ..Page::default() };
    let pseudonym = match person {
        None => None,
        Some(owner) => match store.known_pseudonym_secret(owner).await? {
            Some(secret) => Pseudonyms::with(&secret).person(),
            // Nothing was noted of them, or they were forgotten.
            None => return Ok(page),
        },
    };
    let wanted = usize::try_from(most).unwrap_or(usize::MAX);
    let mut looked_at = 0;
    while looked_at < MOST_LOOKED_AT {
        let rows = store.audit_lines(page.end.clone(), AT_ONCE).await?;
        if rows.is_empty() {
            page.more = false;
            break;
        }
        for (place, line) in rows {
            if page.lines.len() == wanted {
                page.more = true;
                return Ok(page);
            }
            looked_at += 1;
            page.end = Some(place);
            if is_about(&line, pseudonym.as_deref()) {
                page.lines.push(line);
            }
        }
        page.more = true;
    }
    Ok(page)
}
