//! A watch: whose sign-in link it is about, and what has come of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::{Answer, Connected, Link, Person, Reason, Reference, WrongPerson};
use crate::novu::{ChannelEndpoint, SubscriberId};

/// What is looked for while a sign-in link can be used, and what was found. Stored beside the message
/// that carries the link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact by itself")]
pub(in crate::answering) struct Watch {
    /// Whose link it is.
    pub(super) person: Person,
    /// The message that carries the link.
    pub(super) message: Reference,
    /// The subscriber that the link binds to.
    pub(super) subscriber: SubscriberId,
    /// What the subscriber is called, where Novu knows.
    pub(super) subscriber_name: Option<String>,
    /// The subscriber's endpoints from before the link.
    pub(super) before: Vec<String>,
    /// The person's other ids.
    pub(super) other_ids: Vec<String>,
    /// Whether the account with which the person signs in has another id by design.
    pub(super) guest: bool,
    /// Endpoints that somebody else made by the link.
    pub(super) others: Vec<String>,
    /// What has come of it.
    pub(super) state: State,
    /// Whether the message took the place of the one before.
    pub(in crate::answering) in_place: bool,
    /// Whether a newer message has taken the place of this one.
    pub(super) replaced: bool,
    /// Whether that one is where this one was.
    pub(super) overwritten: bool,
    /// By how much the watch lasts longer than its link alone would have it, in milliseconds.
    pub(super) prolonged: u64,
    /// Whether the message says already that its person is connected, though nobody has looked yet.
    pub(super) says_connected: bool,
    /// Grows whenever the message has to say something else.
    pub(super) changed: u32,
    /// Up to which of these the message has been changed.
    pub(super) shown: u32,
}

/// What has come of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// Nobody has signed in yet.
    Waiting,
    /// Its person has signed in.
    Connected { endpoint: String, since: Option<Timestamp> },
    /// Somebody has signed in, and only its person can say whether it was them.
    InDoubt { endpoint: String, since: Option<Timestamp> },
    /// Somebody else has signed in.
    WrongPerson { removed: bool, elsewhere: bool },
    /// Its person did not say that it was them.
    NotConfirmed,
    /// It can no longer be used.
    RunOut,
    /// Its person's account is held by another subscriber, so Novu refused the sign-in.
    Held,
    /// Whether anybody has signed in cannot be found out.
    Unseen,
    /// What was connected is there no longer.
    NoLongerConnected,
}

/// What is known of the chat user whom an endpoint reaches, beside the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing: the platform was not asked.
    NotAsked,
    /// The other ids of the same person.
    Ids(Vec<String>),
    /// The asker's workspace does not know this user.
    Stranger,
    /// The platform could not say.
    Unknown,
}

impl Watch {
    /// Whether an endpoint binds somebody to the subscriber of this link.
    pub(super) fn is_for(&self, endpoint: &ChannelEndpoint) -> bool {
        endpoint.subscriber_id.as_ref() == Some(&self.subscriber)
    }

    /// Whether an endpoint came after the link, and has not been judged.
    pub(super) fn is_news(&self, endpoint: &ChannelEndpoint) -> bool {
        let id = &endpoint.identifier;
        let judged = match &self.state {
            State::Connected { endpoint, .. } | State::InDoubt { endpoint, .. } => endpoint == id,
            _ => false,
        };
        self.is_for(endpoint) && !judged && !self.before.contains(id) && !self.others.contains(id)
    }

    /// Whether an endpoint with another id may be this person's all the same.
    pub(super) fn is_doubtful(&self, known: &Known) -> bool {
        // One person signs in once: of two whom nobody can tell apart, the second is somebody else.
        if matches!(self.state, State::Connected { .. } | State::InDoubt { .. }) {
            return false;
        }
        let one_of_two_ids = self.person.workspace.enterprise.is_some();
        self.guest || (one_of_two_ids && *known == Known::Unknown)
    }

    /// Takes over what an older watch of the same message knows: its link may live on.
    pub(in crate::answering) fn succeed(&mut self, older: Self) {
        let judged = |id: &String| {
            older.others.contains(id)
                || older.before.contains(id)
                || matches!(&older.state, State::Connected { endpoint, .. } if endpoint == id)
        };
        self.before.retain(judged);
        if let State::InDoubt { .. } = older.state {
            self.state = older.state;
        }
        self.others = older.others;
        (self.changed, self.shown) = (older.changed, older.shown);
    }

    /// Whether the message says already what it has to say.
    pub(super) const fn is_told(&self) -> bool {
        self.shown >= self.changed
    }

    /// The state has changed so that the message has to say something else.
    pub(super) fn becomes(&mut self, state: State) {
        self.state = state;
        self.changed += 1;
    }

    /// An endpoint turns out to be somebody else's, and is removed or is about to be.
    pub(super) fn disown(&mut self, endpoint: &str, removed: bool, elsewhere: bool) {
        if !self.others.iter().any(|other| other == endpoint) {
            self.others.push(endpoint.to_owned());
        }
        let state = match &self.state {
            settled @ (State::Connected { .. } | State::InDoubt { .. }) => settled.clone(),
            _ => State::WrongPerson { removed, elsewhere },
        };
        self.becomes(state);
    }

    /// What the message has to say; none while its link can be used.
    pub(in crate::answering) fn answer(&self, can_test: bool) -> Option<Answer> {
        let link = |since: Option<Timestamp>| Link {
            subscriber: self.subscriber.clone(),
            name: self.subscriber_name.clone(),
            since,
            can_test,
        };
        if self.replaced && !matches!(self.state, State::Connected { .. }) {
            return Some(Answer::Replaced);
        }
        Some(match &self.state {
            State::Waiting => return None,
            State::Connected { since, .. } => Answer::Connected(Connected {
                link: link(*since),
                stranger_removed: !self.others.is_empty(),
            }),
            State::InDoubt { .. } => Answer::WasItYou(self.message),
            State::WrongPerson { removed, elsewhere } => {
                Answer::WrongPerson(WrongPerson { removed: *removed, elsewhere: *elsewhere })
            }
            State::NotConfirmed => Answer::NotConfirmed,
            State::RunOut => Answer::RunOut,
            State::Held => Answer::Refused(Reason::Held.into()),
            State::Unseen => Answer::Refused(Reason::NovuUnavailable.into()),
            State::NoLongerConnected => Answer::NoLongerConnected,
        })
    }
}
