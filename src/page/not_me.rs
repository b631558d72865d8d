//! "This is not me": somebody ends a page that is not theirs, and its owner is told in their chat.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;

use super::LinkPages;
use super::pages::{Guest, NOT_ME, Pages};
use crate::answering::{MessageId, Responder, Shown};
use crate::clock::SharedClock;
use crate::core::Answer;
use crate::links::Invitation;

/// How often it is tried to tell the owner.
const MOST_TRIES: usize = 5;
/// How long it is until another try, where nobody says how long.
const PAUSE: Duration = Duration::from_secs(3);
/// The longest pause that is waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Whether a press says so.
pub(super) fn is_said(body: &[u8]) -> bool {
    form_urlencoded::parse(body).any(|(name, value)| (&*name, &*value) == NOT_ME)
}

impl LinkPages {
    /// Ends a page for good. Its owner is told, however often it is said, once.
    pub(super) async fn end(&self, page: Pages<'_>, guest: &Guest) -> Response {
        match self.links.end(&guest.page).await {
            Ok(first) => {
                if first {
                    self.tell_owner(guest);
                }
                page.not_mine()
            }
            Err(rejected) => self.turn_away(page, &rejected),
        }
    }

    /// Tells the owner in place of the message that led to the page, whoever waits for what.
    fn tell_owner(&self, guest: &Guest) {
        let Invitation { person, reference, .. } = guest.page.invitation();
        let message = MessageId::of(person, *reference);
        let platform = guest.chat.platform().name;
        tracing::warn!(%reference, platform, "a personal page was ended: it was opened by somebody else");
        let responder = Arc::clone(&guest.chat.responder);
        let clock = Arc::clone(&self.links.clock);
        self.tasks.spawn(*reference, tell(responder, clock, message));
    }
}

async fn tell(responder: Arc<dyn Responder>, clock: SharedClock, message: MessageId) {
    for tried in 1..=MOST_TRIES {
        match responder.tell(message.clone(), &Answer::PageEnded).await {
            Shown::Later(pause) if tried < MOST_TRIES => {
                clock.sleep(pause.unwrap_or(PAUSE).min(LONGEST_PAUSE)).await;
            }
            Shown::Shown(_) | Shown::Pointed(_) | Shown::Uncertain => return,
            Shown::Later(_) | Shown::Gone => break,
        }
    }
    tracing::error!(reference = %message.reference(), "nobody could be told that their personal page was ended");
}
