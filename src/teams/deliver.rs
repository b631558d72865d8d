//! How one person in Teams is made to see one message.
//!
//! In the person's own chat with the bot it is a plain message; anywhere else a targeted one. Where
//! Teams refuses that, it goes into their own chat; and where there is none either, everybody may read
//! how to open one, and nothing more. Nothing in an activity widens who reads: whatever it calls a
//! personal chat, a message goes into the chat that the connector names for that very account.

mod lookup;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use self::lookup::Members;
use super::activity::{Account, Conversation, ConversationKind, ConversationRef};
use super::card::{LONGEST_LINK, PrivateCard, Wording};
use super::connector::{CallError, Connector, ConnectorUrl, Found, MemberSearch, Sent};
use super::outgoing::{PrivateActivity, PrivatePlace, PublicNote};
use super::{DEEP_LINK, PLATFORM};
use crate::answering::{Deliver, Shown};
use crate::core::{
    Answer, Person, Platform, Profiles, ProfilesError, Question, Reason, Refusal, Workspace,
};

pub(super) use self::lookup::Lookup;

/// About the most targeted messages whose readers are remembered.
const MOST_TARGETED: usize = 20_000;

/// Teams' half of answering.
pub(super) struct TeamsDelivery {
    connector: Arc<Connector>,
    /// The bot's id in links to a chat with it.
    app_id: String,
    /// Where people get help.
    support: Option<Arc<str>>,
    /// Who sees the targeted messages that were sent: nothing in a press of a button proves it.
    targeted: Cache<TargetedMessage, String>,
}

/// Conversation and message.
type TargetedMessage = (String, String);

impl fmt::Debug for TeamsDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TeamsDelivery").finish_non_exhaustive()
    }
}

/// Where one person sees one message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Place {
    /// The connector, as the activity named it. Admitted anew for each message.
    service_url: String,
    tenant: String,
    conversation: Conversation,
    /// The id of the person's account, `29:…`.
    account: String,
    /// The id of the message that is answered.
    reply_to: Option<String>,
    /// Whether others see the message that is answered.
    asked_in_public: bool,
    /// The message that the person sees by now.
    shown: Option<ShownThere>,
}

/// A message that the person sees.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ShownThere {
    /// Whether it is in their own chat with the bot though they asked elsewhere.
    apart: bool,
    /// Its id, if the connector told it.
    id: Option<String>,
}

impl Place {
    /// The place of somebody who wrote a message.
    pub(super) fn of(origin: &ConversationRef, from: &Account) -> Self {
        Self {
            service_url: origin.service_url.clone(),
            tenant: origin.tenant.clone(),
            conversation: origin.conversation.clone(),
            account: from.id.clone(),
            reply_to: origin.activity_id.clone(),
            asked_in_public: !origin.recipient.is_targeted,
            shown: None,
        }
    }

    /// The same, where nothing is answered.
    pub(super) fn unprompted(self) -> Self {
        Self { reply_to: None, ..self }
    }

    /// The place of somebody who pressed a button of the message with that id.
    pub(super) fn in_place_of(self, message: Option<String>) -> Self {
        let shown = message.map(|id| ShownThere { apart: false, id: Some(id) });
        Self { reply_to: None, shown, ..self }
    }

    fn is_personal(&self) -> bool {
        self.conversation.kind == ConversationKind::Personal
    }
}

impl Deliver for TeamsDelivery {
    const PLATFORM: &'static Platform = &PLATFORM;
    const JOBS: &'static str = "teams_reply";
    const LONGEST_LINK: usize = LONGEST_LINK;
    const OUTLIVES_LINKS: bool = true;
    const FOLLOW_UPS: &'static str = "teams_follow_up";
    const WATCHES: &'static str = "teams_watch";
    const WAYS: &'static [&'static str] =
        &["updated", "chat", "targeted", "own_chat", "pointed_to_chat"];
    const SETTLE: Duration = Duration::ZERO;
    const FIRST_SIGNAL: Option<Duration> = Some(Duration::from_millis(500));
    const FIRST_SIGN: Duration = Duration::from_secs(2);

    type Place = Place;
    type Lookup = Lookup;

    fn profiles<'a>(&'a self, lookup: &'a Lookup) -> impl Profiles + 'a {
        let url = self.connector.admit(&lookup.service_url, &lookup.tenant).ok();
        let roster = url.map(|url| MemberSearch::new(&self.connector, url, lookup.sought()));
        Members { roster, lookup }
    }

    fn recall(&self, hint: Option<&str>) -> Option<Lookup> {
        Lookup::recall(hint?)
    }

    fn lookup_unasked(&self, newest: Option<&Place>) -> Option<Lookup> {
        newest.map(Lookup::unasked)
    }

    /// An account without an Entra object id is looked up among the members.
    async fn identify(
        &self,
        question: &Question,
        lookup: &Lookup,
    ) -> Result<Option<Person>, Refusal> {
        let url = self.connector.admit(&lookup.service_url, &lookup.tenant);
        let url = url.map_err(|_| Reason::Incomplete)?;
        if question.identified {
            return Ok(None);
        }
        match self.connector.seek(&url, &lookup.sought()).await {
            Ok(Found { member, .. }) => {
                let same = |tenant: &String| tenant.eq_ignore_ascii_case(&lookup.tenant);
                let user = member.aad_object_id.filter(|_| member.tenant.as_ref().is_none_or(same));
                // An anonymous guest of a meeting, say.
                let user = user.ok_or(Reason::External)?.to_ascii_lowercase();
                let workspace = Workspace::standalone(lookup.tenant.clone());
                Ok(Some(Person { platform: PLATFORM.id(), workspace, user }))
            }
            Err(CallError::NotFound | CallError::Refused { .. }) => Err(Reason::External.into()),
            Err(error) => Err(ProfilesError::from(error).into()),
        }
    }

    /// "Is typing", in the person's own chat with the bot alone: others need not know.
    async fn signal(&self, place: &Place) {
        if !place.is_personal() {
            return;
        }
        let Ok(url) = self.connector.admit(&place.service_url, &place.tenant) else { return };
        self.connector.show_typing(&url, &place.account).await;
    }

    async fn show(&self, place: &mut Place, question: &Question, answer: &Answer) -> Shown {
        let url = match self.connector.admit(&place.service_url, &place.tenant) {
            Ok(url) => url,
            Err(untrusted) => {
                let reference = question.reference;
                tracing::warn!(%untrusted, %reference, "the service URL is not trusted, so the answer is not sent");
                return Shown::Gone;
            }
        };
        let card = card(question, answer, self.support.as_deref());
        if let Some(shown) = &place.shown {
            match self.replace(&url, place, shown, &card).await {
                Ok(()) => return Shown::Shown("updated"),
                // It is gone, or was never there: another message takes its place.
                Err(error) if error.calls_for_another_place() => place.shown = None,
                Err(error) => return shown_by(&error),
            }
        }
        if answer.only_in_place() {
            return Shown::Gone;
        }
        self.post(&url, place, question, &card).await
    }

    /// Into their own chat with the bot, of which nothing is known before they have written once.
    fn unasked(&self, newest: Option<&Place>) -> Option<Place> {
        let newest = newest?.clone();
        Some(Place { reply_to: None, shown: None, asked_in_public: false, ..newest })
    }
}

impl TeamsDelivery {
    pub(super) fn new(connector: Connector, app_id: String, support: Option<Arc<str>>) -> Self {
        let targeted = Cache::new(MOST_TARGETED);
        Self { connector: Arc::new(connector), app_id, support, targeted }
    }

    /// Takes note of who sees a targeted message.
    fn remember_reader(&self, place: &Place, message: Option<&str>) {
        if let Some(message) = message {
            let key = (place.conversation.id.clone(), message.to_owned());
            self.targeted.insert(key, place.account.clone());
        }
    }

    /// Whether the message that is to be replaced is certainly this person's: whatever is put in its
    /// place is seen by whoever saw it.
    fn is_theirs(&self, place: &Place, shown: &ShownThere) -> bool {
        if shown.apart || place.is_personal() {
            return true;
        }
        let Some(id) = &shown.id else { return false };
        let reader = self.targeted.get(&(place.conversation.id.clone(), id.clone()));
        reader.as_ref() == Some(&place.account)
    }

    /// The place of messages that are shown where the person asked.
    async fn private_place(
        &self,
        url: &ConnectorUrl,
        place: &Place,
    ) -> Result<PrivatePlace, CallError> {
        if place.is_personal() {
            return self.own_chat(url, place).await;
        }
        Ok(PrivatePlace::targeted(&place.conversation, &place.account))
    }

    async fn own_chat(&self, url: &ConnectorUrl, place: &Place) -> Result<PrivatePlace, CallError> {
        self.connector.personal_chat(url, &place.account).await.map(PrivatePlace::Chat)
    }

    async fn replace(
        &self,
        url: &ConnectorUrl,
        place: &Place,
        shown: &ShownThere,
        card: &PrivateCard,
    ) -> Result<(), CallError> {
        let id = shown.id.clone().filter(|_| self.is_theirs(place, shown));
        let id = id.ok_or(CallError::NotFound)?;
        let there = if shown.apart {
            self.own_chat(url, place).await?
        } else {
            self.private_place(url, place).await?
        };
        self.connector.update(url, &Sent::new(there, Some(id)), card).await
    }

    async fn post(
        &self,
        url: &ConnectorUrl,
        place: &mut Place,
        question: &Question,
        card: &PrivateCard,
    ) -> Shown {
        if place.is_personal() {
            return self.post_apart(url, place, question, card, "chat").await;
        }
        let there = PrivatePlace::targeted(&place.conversation, &place.account);
        let reply_to = place.reply_to.as_deref();
        let sent = PrivateActivity { card, place: &there, reply_to };
        match self.connector.send(url, sent).await {
            Ok(sent) => {
                self.remember_reader(place, sent.id());
                place.shown = Some(ShownThere { apart: false, id: sent.into_id() });
                Shown::Shown("targeted")
            }
            Err(error) if error.calls_for_another_place() => {
                self.post_apart(url, place, question, card, "own_chat").await
            }
            Err(error) => shown_by(&error),
        }
    }

    /// Into the person's own chat with the bot; where there is none, everybody reads how to open one.
    async fn post_apart(
        &self,
        url: &ConnectorUrl,
        place: &mut Place,
        question: &Question,
        card: &PrivateCard,
        way: &'static str,
    ) -> Shown {
        let apart = !place.is_personal();
        let reply_to = place.reply_to.as_deref().filter(|_| !apart);
        match self.send_to_own_chat(url, place, reply_to, card).await {
            Ok(sent) => {
                place.shown = Some(ShownThere { apart, id: sent.into_id() });
                Shown::Shown(way)
            }
            Err(error) if error.calls_for_another_place() => {
                self.connector.forget_personal_chat(url, &place.account);
                if !apart {
                    return shown_by(&error);
                }
                self.point_to_chat(url, place, question).await
            }
            Err(error) => shown_by(&error),
        }
    }

    async fn send_to_own_chat(
        &self,
        url: &ConnectorUrl,
        place: &Place,
        reply_to: Option<&str>,
        card: &PrivateCard,
    ) -> Result<Sent, CallError> {
        let chat = self.own_chat(url, place).await?;
        self.connector.send(url, PrivateActivity { card, place: &chat, reply_to }).await
    }

    /// Tells everybody, because nobody can be told alone, how to open a chat with the bot.
    async fn point_to_chat(&self, url: &ConnectorUrl, place: &Place, question: &Question) -> Shown {
        let link = format!("{DEEP_LINK}{}", self.app_id);
        let text = question.language().say("open-chat", &[("link", &link)]);
        // A question that nobody else saw must not show by what it is answered with.
        let reply_to = place.reply_to.as_deref().filter(|_| place.asked_in_public);
        let note = PublicNote { text: &text, reply_to };
        match self.connector.send_note(url, &place.conversation.id, note).await {
            Ok(()) => Shown::Pointed("pointed_to_chat"),
            Err(error) => shown_by(&error),
        }
    }
}

/// Puts an answer on a card.
fn card(question: &Question, answer: &Answer, support: Option<&str>) -> PrivateCard {
    let wording = Wording {
        language: question.language(),
        command: &question.command,
        reference: question.reference,
        support,
    };
    PrivateCard::render(answer, wording)
}

/// What a failed call means for the message.
fn shown_by(error: &CallError) -> Shown {
    match error {
        CallError::Throttled(pause) => Shown::Later(*pause),
        error if error.is_transient() => Shown::Later(None),
        // A secret or a token that is being replaced; what was acknowledged waits for it.
        CallError::Unauthorised => Shown::Later(None),
        // It may be there: a second one would be worse than none.
        CallError::Uncertain => Shown::Uncertain,
        error => {
            tracing::warn!(error = error.name(), "Teams refused a message");
            Shown::Gone
        }
    }
}
