//! How one person in Slack is made to see one message: by the response URL, then by direct message.
//!
//! Slack takes up to five posts to a response URL in the half hour after the command or the press (Slack,
//! slash commands). Each replaces the one before, or, where others see the pressed message too, stands
//! beside it.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use super::block_kit::{LONGEST_BUTTON_URL, Mrkdwn, PrivateMessage};
use super::web_api::{CallError, WebApi};
use super::{PLATFORM, response_url};
use crate::answering::{Deliver, Shown};
use crate::clock::{SharedClock, between};
use crate::core::{
    Answer, Linking, Person, Platform, Profile, Profiles, ProfilesError, Question, Refusal,
};
use crate::net::{Outgoing, SecretUrl};
use crate::words::message::Voice;

/// How long Slack takes posts to a response URL, less a margin for the way there.
const RESPONSE_URL_LIFE: Duration = Duration::from_mins(29);
/// How often a response URL can be used.
const RESPONSE_URL_USES: u8 = 5;

/// Slack's half of answering.
#[derive(Debug)]
pub(super) struct SlackDelivery {
    pub(super) linking: Arc<Linking>,
    pub(super) web_api: WebApi,
    pub(super) http: Outgoing,
    /// Where people get help.
    pub(super) support: Option<Arc<str>>,
    pub(super) clock: SharedClock,
}

/// Where one person sees one message: in the conversation where they typed the command, for as long
/// as its response URL can be used; in the direct conversation with the bot after that.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Place {
    response_url: Option<String>,
    uses_left: u8,
    /// When the response URL was made, by the wall clock.
    since: Timestamp,
    /// Whether the message that the response URL came from stays, because others see it too.
    #[serde(default)]
    beside_original: bool,
}

/// What it takes to look a person up: the ids, which every request names. Beside them, whether the
/// question came from a button, which anybody can press who sees it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Lookup {
    pressed: bool,
}

impl Lookup {
    /// Of somebody who pressed a button.
    pub(super) const fn of_a_press() -> Self {
        Self { pressed: true }
    }
}

/// The profiles of whoever asks.
#[derive(Debug)]
struct Asking<'a> {
    web_api: &'a WebApi,
    pressed: bool,
}

impl Profiles for Asking<'_> {
    fn profile<'a>(
        &'a self,
        person: &'a Person,
        token: Option<&'a SecretString>,
    ) -> BoxFuture<'a, Result<Profile, ProfilesError>> {
        self.web_api.profile(person, token)
    }

    fn anybody_asks(&self) -> bool {
        self.pressed
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("uses_left", &self.uses_left).finish_non_exhaustive()
    }
}

impl Place {
    /// The place of a command that was typed at `since`.
    pub(super) fn new(response_url: Option<&SecretUrl>, since: Timestamp) -> Self {
        let response_url = response_url.map(|url| url.expose().to_string());
        Self { response_url, uses_left: RESPONSE_URL_USES, since, beside_original: false }
    }

    /// The same, where the message with the pressed button is not the presser's alone: the answer is a
    /// message of its own.
    pub(super) fn beside_original(self) -> Self {
        Self { beside_original: true, ..self }
    }

    /// The response URL, while it can be expected to work.
    fn usable_url(&self, now: Timestamp) -> Option<Url> {
        let fresh = between(self.since, now) < RESPONSE_URL_LIFE;
        let url = self.response_url.as_deref().filter(|_| fresh && self.uses_left > 0)?;
        Url::parse(url).ok()
    }
}

impl Deliver for SlackDelivery {
    const PLATFORM: &'static Platform = &PLATFORM;
    const JOBS: &'static str = "slack_reply";
    const LONGEST_LINK: usize = LONGEST_BUTTON_URL;
    // The message can be replaced for half an hour, and is gone from the screen after a reload.
    const OUTLIVES_LINKS: bool = false;
    const FOLLOW_UPS: &'static str = "slack_follow_up";
    const WATCHES: &'static str = "slack_watch";
    const WAYS: &'static [&'static str] = &["response_url", "direct_message"];
    const SETTLE: Duration = Duration::from_millis(250);
    const FIRST_SIGNAL: Option<Duration> = None;
    const FIRST_SIGN: Duration = Duration::from_secs(2);

    type Place = Place;
    type Lookup = Lookup;

    fn profiles<'a>(&'a self, lookup: &'a Lookup) -> impl Profiles + 'a {
        Asking { web_api: &self.web_api, pressed: lookup.pressed }
    }

    fn recall(&self, _hint: Option<&str>) -> Option<Lookup> {
        Some(Lookup::default())
    }

    /// Slack tells of everybody in a workspace.
    fn lookup_unasked(&self, _newest: Option<&Place>) -> Option<Lookup> {
        Some(Lookup::default())
    }

    fn identify(
        &self,
        _question: &Question,
        _lookup: &Lookup,
    ) -> impl Future<Output = Result<Option<Person>, Refusal>> + Send {
        ready(Ok(None))
    }

    fn signal(&self, _place: &Place) -> impl Future<Output = ()> + Send {
        ready(())
    }

    async fn show(&self, place: &mut Place, question: &Question, answer: &Answer) -> Shown {
        let message = message(question, answer, self.support.as_deref());
        if let Some(url) = place.usable_url(self.clock.now()) {
            place.uses_left -= 1;
            let post = message.for_response_url(!place.beside_original);
            match response_url::post(&self.http, url, &post, self.clock.now()).await {
                Ok(()) => return Shown::Shown("response_url"),
                Err(CallError::Throttled(pause)) => return Shown::Later(pause),
                Err(error) if error.is_transient() => return Shown::Later(None),
                // It may be there, and a second one would stand beside it.
                Err(CallError::Uncertain) if place.beside_original => return Shown::Uncertain,
                // A second post would only replace the first.
                Err(CallError::Uncertain) => return Shown::Later(None),
                // Used up or expired: it will never work again.
                Err(error) => {
                    tracing::info!(%error, "a response URL no longer works; a direct message is sent instead");
                }
            }
            place.response_url = None;
        }
        if answer.only_in_place() {
            return Shown::Gone;
        }
        self.direct_message(&question.asker, &message).await
    }

    /// Whoever is in the workspace can be sent a direct message.
    fn unasked(&self, _newest: Option<&Place>) -> Option<Place> {
        Some(Place::new(None, self.clock.now()))
    }
}

impl SlackDelivery {
    /// Sends a message into the direct conversation between the bot and a person.
    async fn direct_message(&self, person: &Person, message: &PrivateMessage) -> Shown {
        let Some(token) = self.linking.bot_token(person).await else {
            tracing::warn!(error = "no_token", "no direct message could be sent");
            return Shown::Gone;
        };
        match self.web_api.post_direct_message(&token, &person.user, message).await {
            Ok(()) => Shown::Shown("direct_message"),
            Err(CallError::Throttled(pause)) => Shown::Later(pause),
            Err(error) if error.is_transient() => Shown::Later(None),
            // It may be there: a second message would be worse than none.
            Err(CallError::Uncertain) => Shown::Uncertain,
            Err(error) => {
                tracing::warn!(%error, "no direct message could be sent");
                Shown::Gone
            }
        }
    }
}

/// Puts an answer into Slack's form.
pub(super) fn message(
    question: &Question,
    answer: &Answer,
    support: Option<&str>,
) -> PrivateMessage {
    let voice = Voice {
        language: question.language(),
        command: &question.command,
        reference: question.reference,
        support,
        markup: &Mrkdwn,
    };
    PrivateMessage::render(&voice.message(answer))
}
