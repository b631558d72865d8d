//! What the stand-in Teams knows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::credentials::{Code, Grant, Registered};
use super::inbound::Bearer;
use super::model::{Conversation, Message, Person, Standing, Tenant, Typing};
use connect_clock as clock;

/// How long a targeted message is there (Teams, targeted messages).
const TARGETED_LIFE: Duration = Duration::from_hours(24);

/// All tenants and what happened in them.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) tenants: Vec<Tenant>,
    /// By object id.
    pub(super) people: BTreeMap<String, Person>,
    /// By id, without a thread.
    pub(super) conversations: BTreeMap<String, Conversation>,
    pub(super) messages: Vec<Message>,
    /// The messages that somebody has looked at, by their ids, with the number of edits by then.
    pub(super) read: HashMap<String, usize>,
    pub(super) typing: Vec<Typing>,
    /// Notices below cards, by the object id of their reader.
    pub(super) notices: Vec<(String, String)>,
    /// Cards that one person sees in place of a message's, by object id and message id.
    replaced: HashMap<(String, String), Value>,
    /// What the bot's access tokens are good for.
    pub(super) grants: HashMap<String, Grant>,
    pub(super) codes: HashMap<String, Code>,
    /// Whether the app's secret has expired.
    pub(super) secret_is_expired: bool,
    /// The app's certificates.
    pub(super) certificates: Vec<Registered>,
    /// The statements that were signed with them and accepted, and when they cease to be valid.
    pub(super) statements: HashMap<String, Timestamp>,
    /// The connector's own tokens, by the service URL that they vouch for.
    pub(super) bearers: HashMap<String, Bearer>,
    /// The ids of the private messages to the bot.
    slash_commands: HashSet<String>,
    keeps_messages: bool,
    counter: u64,
    last_message: i64,
}

impl State {
    pub(super) fn new(home: Tenant, keeps_messages: bool) -> Self {
        Self { tenants: vec![home], keeps_messages, ..Self::default() }
    }

    /// A text that was not given out before.
    pub(super) fn unique(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}{:010}", self.counter)
    }

    /// A GUID that was not given out before.
    pub(super) fn guid(&mut self) -> String {
        self.counter += 1;
        format!("5a4db0c5-0000-4000-8000-{:012x}", self.counter)
    }

    /// A message id: milliseconds since 1970, or the next free ones.
    pub(super) fn message_id(&mut self, now: Timestamp) -> String {
        self.last_message = now.as_millisecond().max(self.last_message + 1);
        self.last_message.to_string()
    }

    /// Adds a tenant, in place of the one with the same id.
    pub(super) fn put_tenant(&mut self, tenant: Tenant) {
        self.tenants.retain(|known| !known.is_called(&tenant.id));
        self.tenants.push(tenant);
    }

    /// Adds a person and their own chat with the bot.
    pub(super) fn put_person(&mut self, person: Person) {
        let chat = Conversation::personal(&person);
        self.conversations.insert(chat.id.clone(), chat);
        self.people.insert(person.oid.clone(), person);
    }

    /// The tenant of that id or domain.
    pub(super) fn tenant(&self, name: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.is_called(name))
    }

    pub(super) fn consent(&mut self, name: &str) {
        if let Some(tenant) = self.tenants.iter_mut().find(|tenant| tenant.is_called(name)) {
            tenant.consented = true;
        }
    }

    /// The conversation that an id addresses: of a channel also by a thread (`…;messageid=…`).
    pub(super) fn conversation(&self, id: &str) -> Option<&Conversation> {
        match id.split_once(";messageid=") {
            Some((channel, root)) => self
                .conversations
                .get(channel)
                .filter(|it| it.team().is_some() && root.bytes().all(|byte| byte.is_ascii_digit())),
            None => self.conversations.get(id),
        }
    }

    /// The conversation whose members are asked for: a channel also by its team's id, and not by a
    /// thread.
    pub(super) fn roster(&self, id: &str) -> Option<&Conversation> {
        let of_team = || self.conversations.values().find(|it| it.team() == Some(id));
        self.conversations.get(id).or_else(of_team)
    }

    /// A person by object id or by account, as far as the connector tells them apart.
    pub(super) fn person(&self, id: &str) -> Option<&Person> {
        let known = self.people.get(id).filter(|person| person.identity().is_some());
        known.or_else(|| self.people.values().find(|person| person.account == id))
    }

    pub(super) fn keep(&mut self, message: Message) {
        if self.keeps_messages {
            self.messages.push(message);
        }
    }

    pub(super) fn keep_typing(&mut self, typing: Typing) {
        if self.keeps_messages {
            self.typing.push(typing);
        }
    }

    /// Shows one person another card in place of a message's.
    pub(super) fn replace_for(&mut self, oid: String, message: String, card: Value) {
        self.replaced.insert((oid, message), card);
    }

    /// Shows everybody the message itself again.
    pub(super) fn replace_for_all(&mut self, message: &str) {
        self.replaced.retain(|(_, replaced), _| replaced != message);
    }

    /// Notes the id of a message that only the bot sees.
    pub(super) fn keep_private(&mut self, id: &str) {
        if self.keeps_messages {
            self.slash_commands.insert(id.to_owned());
        }
    }

    /// Whether only the bot saw the message with this id; believed where messages are not kept.
    pub(super) fn was_private(&self, id: &str) -> bool {
        !self.keeps_messages || self.slash_commands.contains(id)
    }

    /// Whether messages can be looked up at all.
    pub(super) fn keeps_messages(&self) -> bool {
        self.keeps_messages
    }

    /// What a person sees, oldest first.
    pub(super) fn seen_by(&self, oid: &str, now: Timestamp) -> Vec<Message> {
        let sees = |message: &&Message| {
            let inside = self
                .conversation(&message.conversation)
                .is_some_and(|conversation| conversation.members.contains(oid));
            inside && message.only_for.as_ref().is_none_or(|reader| reader == oid)
        };
        let as_seen = |message: &Message| {
            let mut message = message.clone();
            let card = self.replaced.get(&(oid.to_owned(), message.id.clone()));
            if let Some((card, place)) =
                card.zip(message.body.pointer_mut("/attachments/0/content"))
            {
                *place = card.clone();
            }
            message
        };
        self.messages.iter().filter(|it| it.is_there(now)).filter(sees).map(as_seen).collect()
    }
}

impl Message {
    /// Whether it still is there: not taken back, and not past a targeted message's time.
    pub(super) fn is_there(&self, now: Timestamp) -> bool {
        let over = self.only_for.is_some() && clock::between(self.at, now) >= TARGETED_LIFE;
        !self.deleted && !over
    }
}

impl Standing {
    /// The connector's code and sentence for why the bot may not write there.
    pub(super) fn refusal(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Installed => None,
            Self::NotInstalled => Some((
                "BotNotInConversationRoster",
                "The bot is not part of the conversation roster.",
            )),
            Self::BlockedByUser => {
                Some(("ConversationBlockedByUser", "User blocked the conversation with the bot."))
            }
            Self::DisabledByAdmin => {
                Some(("BotDisabledByAdmin", "The tenant admin disabled this bot."))
            }
            Self::WritesBlocked => {
                Some(("MessageWritesBlocked", "Message writes are blocked in this conversation."))
            }
        }
    }
}
