//! The client of the connector: how the bot speaks, and asks who somebody is.
//!
//! The connector's address comes with every activity, so it comes from outside. A [`ConnectorUrl`] is an
//! address that the list of hosts has let pass, and the bot's token goes to such an address only. Who
//! could have it sent elsewhere could speak as the bot (Bot Connector, authentication).

mod chats;
mod connector_url;
mod error;
mod exchange;
mod member;
mod seek;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use url::Url;

use super::card::PrivateCard;
use super::credentials::TokenSource;
use super::outgoing::{
    PersonalChat, PrivateActivity, PrivatePlace, PublicNote, Replacement, Typing,
};
use super::pace::{Lane, Pace};
use crate::clock::SharedClock;
use crate::net::lenient::lenient;
use crate::net::{HostAllowlist, Outgoing};
use chats::Chats;
use exchange::Call;

pub(super) use connector_url::{ConnectorUrl, UntrustedServiceUrl};
pub(super) use error::CallError;
pub(super) use seek::{BAD_CREDENTIALS, Found, MemberSearch, Sought};

/// How long sending may take, waiting for a turn and further attempts included.
const SEND_PATIENCE: Duration = Duration::from_secs(30);
/// How long looking somebody up or opening a chat may take where nobody watches.
const LONG_PATIENCE: Duration = Duration::from_secs(10);
/// How long looking a person up may take while they watch. It runs beside the calls to Novu, and must
/// not be what the person waits for.
const BRIEF_PATIENCE: Duration = Duration::from_millis(1500);

/// How long looking a person up may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Not long: they are looking at the button that they pressed, or at a page.
    Brief,
    /// Longer: an answer is promised, and in a crowd everybody's turn comes.
    Long,
}

/// What a connector client is made of.
#[derive(Debug)]
pub(super) struct Parts {
    /// The bot's id, `28:` and the application id.
    pub bot_id: String,
    /// The hosts that a service URL may have, exactly.
    pub service_hosts: HostAllowlist,
    /// Gives the bot's token.
    pub tokens: Arc<TokenSource>,
    /// Makes the calls.
    pub http: Outgoing,
    /// Tells the time.
    pub clock: SharedClock,
}

/// A client of all connectors whose hosts are on the list.
pub(super) struct Connector {
    parts: Parts,
    pace: Pace,
    chats: Chats,
    send_patience: Duration,
    long_patience: Duration,
    brief_patience: Duration,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sent {
    place: PrivatePlace,
    id: Option<String>,
}

impl Sent {
    /// A message that is known from before.
    #[must_use]
    pub(super) const fn new(place: PrivatePlace, id: Option<String>) -> Self {
        Self { place, id }
    }

    /// Its id, if the connector told it.
    #[must_use]
    pub(super) fn into_id(self) -> Option<String> {
        self.id
    }

    /// Its id, if the connector told it.
    #[must_use]
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// The connector's answer to whatever makes something.
#[derive(Deserialize)]
struct Made {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
}

impl Made {
    /// The id of what was made. That it was made is certain even where the answer makes no sense.
    fn id(body: &Bytes) -> Option<String> {
        serde_json::from_slice::<Self>(body).ok()?.id
    }
}

impl Connector {
    /// A client that knows nobody yet.
    #[must_use]
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            pace: Pace::new(Arc::clone(&parts.clock)),
            chats: Chats::default(),
            send_patience: SEND_PATIENCE,
            long_patience: LONG_PATIENCE,
            brief_patience: BRIEF_PATIENCE,
            parts,
        }
    }

    /// Admits the service URL that an activity names as the connector of its tenant. Do so once, on
    /// arrival or when it is taken from the store, and carry the result along.
    ///
    /// # Errors
    /// The rule that the address breaks.
    pub(super) fn admit(
        &self,
        service_url: &str,
        tenant: &str,
    ) -> Result<ConnectorUrl, UntrustedServiceUrl> {
        ConnectorUrl::admit(service_url, tenant, &self.parts.service_hosts)
    }

    /// Sends a card to the one person who sees it: plainly into their chat with the bot, targeted
    /// anywhere else.
    ///
    /// # Errors
    /// The connector did not take it. Only after [`CallError::Uncertain`] it may be there all the
    /// same.
    pub(super) async fn send(
        &self,
        site: &ConnectorUrl,
        activity: PrivateActivity<'_>,
    ) -> Result<Sent, CallError> {
        let place = activity.place;
        let conversation = place.conversation();
        let operation = if place.is_targeted() { "send_targeted" } else { "send" };
        let url = site.url(&[conversation, "activities"])?;
        let call = Call {
            targeted: place.is_targeted(),
            body: Some(json(&activity)?),
            ..self.prepare(operation, Method::POST, url, site, conversation)
        };
        let body = self.call(call).await?;
        Ok(Sent { place: place.clone(), id: Made::id(&body) })
    }

    /// Sends a text that everybody in the conversation may see.
    ///
    /// # Errors
    /// As for [`Connector::send`].
    pub(super) async fn send_note(
        &self,
        site: &ConnectorUrl,
        conversation: &str,
        note: PublicNote<'_>,
    ) -> Result<(), CallError> {
        let url = site.url(&[conversation, "activities"])?;
        let call = Call {
            body: Some(json(&note)?),
            ..self.prepare("send_note", Method::POST, url, site, conversation)
        };
        self.call(call).await.map(|_| ())
    }

    /// Shows in a person's own chat that the bot is typing. Nothing depends on it, so it is tried once,
    /// briefly, and nobody is told whether it worked.
    pub(super) async fn show_typing(&self, connector: &ConnectorUrl, member: &str) {
        let patience = self.brief_patience;
        let chat = self.personal_chat_within(patience, connector, member).await;
        let Ok(chat) = chat else { return };
        let Ok(url) = connector.url(&[chat.id(), "activities"]) else { return };
        let Ok(body) = json(&Typing::default()) else { return };
        let prepared = self.prepare("typing", Method::POST, url, connector, chat.id());
        let call = Call { body: Some(body), attempts: 1, patience, ..prepared };
        let _ = self.call(call).await;
    }

    /// Puts a card in place of one that was sent.
    ///
    /// # Errors
    /// [`CallError::NotFound`] where the message is gone, or its id was never told.
    pub(super) async fn update(
        &self,
        site: &ConnectorUrl,
        sent: &Sent,
        card: &PrivateCard,
    ) -> Result<(), CallError> {
        let id = sent.id().ok_or(CallError::NotFound)?;
        let conversation = sent.place.conversation();
        let url = site.url(&[conversation, "activities", id])?;
        let call = Call {
            targeted: sent.place.is_targeted(),
            body: Some(json(&Replacement(card))?),
            repeatable: true,
            ..self.prepare("update", Method::PUT, url, site, conversation)
        };
        self.call(call).await.map(|_| ())
    }

    /// The chat between a person and the bot; made if there is none. `member` is the id of the
    /// person's account or their Entra object id; the app has to be installed for them.
    ///
    /// # Errors
    /// The connector opens none.
    pub(super) async fn personal_chat(
        &self,
        site: &ConnectorUrl,
        member: &str,
    ) -> Result<PersonalChat, CallError> {
        self.personal_chat_within(self.long_patience, site, member).await
    }

    async fn personal_chat_within(
        &self,
        patience: Duration,
        site: &ConnectorUrl,
        member: &str,
    ) -> Result<PersonalChat, CallError> {
        if let Some(chat) = self.chats.get(site.tenant(), member) {
            return Ok(chat);
        }
        let body = json(&NewConversation::between(&self.parts.bot_id, member, site.tenant()))?;
        let call = Call {
            lane: Lane::Conversations,
            body: Some(body),
            // The same two get the same chat, however often they are asked for one.
            repeatable: true,
            patience,
            ..self.prepare("create_conversation", Method::POST, site.url(&[])?, site, member)
        };
        let body = self.call(call).await?;
        let chat = PersonalChat::created(Made::id(&body).ok_or(CallError::Nonsense)?);
        self.chats.put(site.tenant(), member, chat.clone());
        Ok(chat)
    }

    /// Forgets a person's chat, because the connector no longer finds it.
    pub(super) fn forget_personal_chat(&self, site: &ConnectorUrl, member: &str) {
        self.chats.forget(site.tenant(), member);
    }

    /// A plain call that counts as a message, and of which there may be one too many if it is repeated.
    fn prepare<'a>(
        &self,
        operation: &'static str,
        method: Method,
        url: Url,
        site: &'a ConnectorUrl,
        conversation: &'a str,
    ) -> Call<'a> {
        Call {
            operation,
            method,
            url,
            body: None,
            targeted: false,
            repeatable: false,
            lane: Lane::Messages,
            conversation,
            tenant: site.tenant(),
            patience: self.send_patience,
            attempts: Call::ATTEMPTS,
        }
    }
}

fn json(value: &impl Serialize) -> Result<Bytes, CallError> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|_| CallError::Nonsense)
}

/// Asks for a chat between one person and the bot (Bot Connector, create conversation).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewConversation<'a> {
    is_group: bool,
    bot: Id<'a>,
    members: [Id<'a>; 1],
    tenant_id: &'a str,
    channel_data: TenantData<'a>,
}

#[derive(Serialize)]
struct Id<'a> {
    id: &'a str,
}

#[derive(Serialize)]
struct TenantData<'a> {
    tenant: Id<'a>,
}

impl<'a> NewConversation<'a> {
    fn between(bot: &'a str, member: &'a str, tenant: &'a str) -> Self {
        Self {
            is_group: false,
            bot: Id { id: bot },
            members: [Id { id: member }],
            tenant_id: tenant,
            channel_data: TenantData { tenant: Id { id: tenant } },
        }
    }
}
