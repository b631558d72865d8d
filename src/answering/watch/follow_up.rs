//! What follows from a change of a watch, and has to be done even if the process dies before.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::answering::Answering;
use crate::answering::deliver::Deliver;
use crate::core::{Person, Reference};
use crate::jobs::{Ran, Work};
use crate::store::{KeyAfterwards, Lease};

/// Work that follows from a change.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(in crate::answering) struct FollowUp<D> {
    what: What,
    #[serde(skip)]
    platform: PhantomData<fn() -> D>,
}

/// What has to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum What {
    /// A person's message has to say what its watch says by now.
    Tell(Person, Reference),
    /// Somebody has to be told that they used another person's link, the one of that message.
    TellOther { other: Person, locale: Option<String>, message: Reference, endpoint: String },
    /// An endpoint has to be removed.
    Remove(Removal),
}

/// An endpoint that has to be removed, and who is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Removal {
    pub(super) endpoint: String,
    /// The chat user whom it reaches, where that is somebody else.
    pub(super) user: Option<String>,
    /// That user's language, as the platform writes it.
    pub(super) locale: Option<String>,
    pub(super) why: Why,
    /// The messages of those whose link may have been used.
    pub(super) messages: Vec<(Person, Reference)>,
    /// Whether they have been told that it takes longer.
    pub(super) delayed: bool,
}

/// Why an endpoint is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Why {
    /// It reaches somebody else; whether the asker's workspace does not know them.
    WrongPerson { elsewhere: bool },
    /// Its person did not say that it was them.
    NotConfirmed,
}

impl<D> FollowUp<D> {
    pub(super) const fn new(what: What) -> Self {
        Self { what, platform: PhantomData }
    }
}

impl<D: Deliver> Work for FollowUp<D> {
    const KIND: &'static str = D::FOLLOW_UPS;
    const VERSION: u32 = 1;
    // Nobody stays bound to another person's subscriber because a process was killed ten times.
    const GIVES_UP: bool = false;
    const IS_ANSWER: bool = false;
    const OWNER: &'static str = D::PLATFORM.name;
    const KEY_AFTERWARDS: KeyAfterwards = KeyAfterwards::Free;
    type Context = Answering<D>;

    fn key(&self) -> Option<[u8; 32]> {
        let (what, endpoint) = match &self.what {
            What::Remove(removal) => ("remove", &removal.endpoint),
            What::TellOther { endpoint, .. } => ("tell", endpoint),
            What::Tell(..) => return None,
        };
        Some(Sha256::digest(format!("{what} {endpoint}")).into())
    }

    async fn run(&mut self, context: &Arc<Answering<D>>, _lease: &Lease) -> Ran {
        match &mut self.what {
            What::Tell(person, message) => context.tell_of_watch(person, *message).await,
            What::TellOther { other, locale, message, .. } => {
                context.tell_other(other, locale.as_deref(), *message).await
            }
            What::Remove(removal) => context.remove(removal).await,
        }
    }

    fn reference(&self) -> String {
        match &self.what {
            What::Tell(_, message) | What::TellOther { message, .. } => message.to_string(),
            What::Remove(removal) => {
                removal.messages.first().map(|(_, message)| message.to_string()).unwrap_or_default()
            }
        }
    }
}
