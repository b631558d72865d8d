//! Whose a new channel endpoint is: the person's whose link was watched, or somebody else's.

use super::state::{Known, Watch};
use crate::core::{Person, Platform};
use crate::novu::ChannelEndpoint;

/// What a new endpoint is to those whose links are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is nobody's business: of another subscriber, known already, or from before every link.
    NotWatched,
    /// It reaches the person of the watch with that index.
    Same(usize),
    /// It reaches somebody else.
    Different,
    /// It cannot be told whether it reaches the person of the watch with that index.
    CannotTell(usize),
}

/// Judges an endpoint by the watches that are open.
///
/// It is *same* where it reaches a person who waits for a link to this very subscriber, whoever's link
/// was used: both would be bound to the same subscriber. One person of an Enterprise Grid has two ids.
pub(super) fn judge(
    platform: &Platform,
    endpoint: &ChannelEndpoint,
    watches: &[Watch],
    known: &Known,
) -> Verdict {
    let Some(user) = endpoint.endpoint.user_id() else { return Verdict::NotWatched };
    let of_subscriber: Vec<_> =
        watches.iter().enumerate().filter(|(_, watch)| watch.is_for(endpoint)).collect();
    if !of_subscriber.iter().any(|(_, watch)| watch.is_news(endpoint)) {
        return Verdict::NotWatched;
    }
    let same = |watch: &Watch| {
        (platform.reaches)(&endpoint.endpoint, &watch.person)
            || is_one_of(platform, user, &watch.other_ids)
            || matches!(known, Known::Ids(ids) if knows(platform, ids, watch))
    };
    // Of several messages of one person, the newest one is told.
    let same = of_subscriber.iter().rev().find(|(_, watch)| same(watch));
    if let Some((index, watch)) = same {
        return if watch.is_news(endpoint) { Verdict::Same(*index) } else { Verdict::NotWatched };
    }
    let in_doubt = |watch: &Watch| watch.is_news(endpoint) && watch.is_doubtful(known);
    match of_subscriber.iter().rev().find(|(_, watch)| in_doubt(watch)) {
        Some((index, _)) => Verdict::CannotTell(*index),
        None => Verdict::Different,
    }
}

fn is_one_of(platform: &Platform, id: &str, ids: &[String]) -> bool {
    ids.iter().any(|one| platform.same_id(one, id))
}

/// Whether ids of one person are those of a watch's person.
fn knows(platform: &Platform, ids: &[String], watch: &Watch) -> bool {
    let Person { user, .. } = &watch.person;
    ids.iter().any(|id| platform.same_id(id, user) || is_one_of(platform, id, &watch.other_ids))
}

#[cfg(test)]
mod tests;
