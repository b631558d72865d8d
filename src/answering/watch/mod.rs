//! Watching sign-in links, from before they are shown until a minute after they can no longer be used.
//!
//! Novu tells nobody that somebody has signed in, and binds whoever opens a link to its subscriber
//! (Novu 3.19, OAuth state). So the newest channel endpoints of the integration are looked at every two
//! seconds while a link lives, once for everybody who waits, and each new one is judged: it is the
//! person's whose link was used, or it is removed. What the message in chat says follows from the watch,
//! which is stored beside the message. With several replicas one of them looks.

mod changing;
mod follow_up;
mod looking;
mod noting;
mod open;
mod removing;
mod settling;
mod state;
mod telling;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;

use super::Answering;
use super::deliver::Deliver;
use super::messages::MessageId;
use super::pending::{Decided, TIME_TO_ANSWER};
use crate::clock::SharedClock;
use crate::core::{Answer, Lasts, Person, Prospect, Question, Reason, Reference, SignIn};
use crate::jobs::Jobs;
use crate::novu::LINK_LIFETIME;
use crate::store::{Store, StoreError, StoredWatch};
use changing::Next;
use follow_up::FollowUp;
use open::{Open, OpenWatches};
use state::State;
pub(super) use state::Watch;

/// How long somebody may take who began to sign in when the link could still be used: Novu looks at the
/// clock when the callback begins, and then speaks to the provider.
const AFTERWARDS: Duration = Duration::from_mins(1);
/// How long the mint may take, before which the watch begins.
const MINTING: Duration = TIME_TO_ANSWER;
/// The most links that are watched at once: more than anybody mints in six minutes.
const MOST_OPEN: usize = 100_000;
/// How long a person has to say that it was them.
const IN_DOUBT: Duration = Duration::from_hours(1);

/// The watches of one platform.
#[derive(Debug)]
pub(super) struct Watches<D: Deliver> {
    store: Store,
    clock: SharedClock,
    open: Mutex<OpenWatches>,
    /// The endpoints that the last look found.
    seen: Mutex<HashSet<String>>,
    /// Rings when a link is about to be shown.
    begun: Notify,
    /// Rings when somebody seems to have signed in.
    rung: Notify,
    pub(super) follow_ups: Arc<Jobs<FollowUp<D>>>,
}

/// What has come of a link.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) answer: Answer,
    /// Whether its message says so already.
    pub(super) is_told: bool,
}

impl Watch {
    /// The watch of a link that is about to be minted for whoever asks.
    pub(super) fn new(
        person: Person,
        in_place: bool,
        message: Reference,
        prospect: Prospect,
    ) -> Self {
        let Prospect { subscriber, subscriber_name, endpoints, other_ids, guest } = prospect;
        Self {
            person,
            message,
            subscriber,
            subscriber_name,
            before: endpoints,
            other_ids,
            guest,
            others: Vec::new(),
            state: State::Waiting,
            in_place,
            replaced: false,
            overwritten: false,
            prolonged: 0,
            says_connected: false,
            changed: 0,
            shown: 0,
        }
    }

    /// As it is stored, and for how long it lasts from now on.
    pub(super) fn stored(&self) -> (SecretString, Duration) {
        (self.text(), MINTING + LINK_LIFETIME + AFTERWARDS)
    }

    fn text(&self) -> SecretString {
        // Structs of texts, numbers and enums always have a JSON form.
        SecretString::from(serde_json::to_string(self).unwrap_or_default())
    }

    fn read(stored: &StoredWatch) -> Option<Self> {
        let read = serde_json::from_str(stored.watch.expose_secret()).ok();
        if read.is_none() {
            tracing::error!(reference = stored.id, "a stored watch cannot be read");
        }
        read
    }

    pub(super) fn id(&self) -> MessageId {
        MessageId::of(&self.person, self.message)
    }
}

impl<D: Deliver> Watches<D> {
    pub(super) fn new(store: Store, clock: SharedClock, follow_ups: Jobs<FollowUp<D>>) -> Self {
        Self {
            store,
            clock,
            open: Mutex::default(),
            seen: Mutex::default(),
            begun: Notify::new(),
            rung: Notify::new(),
            follow_ups: Arc::new(follow_ups),
        }
    }

    /// Whether it is this of several replicas that looks.
    pub(super) async fn leads(&self) -> Result<bool, StoreError> {
        self.store.leads(D::WATCHES).await
    }

    /// Looks at once.
    pub(super) fn look_now(&self) {
        if !self.open().is_empty() {
            self.rung.notify_one();
        }
    }
}

impl<D: Deliver> Answering<D> {
    /// Begins to watch a link that is about to be shown. Gives what is to be shown: nobody sees a link
    /// that is not watched.
    ///
    /// `is_renewed` says that the message had a link before, which may live on.
    pub(super) async fn begin_watch(
        &self,
        watch: Watch,
        is_renewed: bool,
        answer: Answer,
    ) -> Answer {
        let id = watch.id();
        if !matches!(answer, Answer::SignIn(SignIn { lasts: Lasts::Minted { .. }, .. })) {
            // None was minted, or nobody sees it. Where that cannot be stored, the store says so itself,
            // and the message tells in the end that nobody has signed in.
            if !is_renewed {
                let _ = self.watches.end(&id).await;
            }
            return answer;
        }
        // With several replicas, the one that looks finds it in the store.
        if !self.watches.store.is_shared() {
            // Novu's clock began no later than now.
            let (left, now) = (LINK_LIFETIME + AFTERWARDS, self.watches.clock.monotonic());
            let mut open = self.watches.open();
            if open.len() >= MOST_OPEN {
                return Answer::Refused(Reason::Busy.into());
            }
            open.insert(id, Open::new(watch, left, now));
        }
        self.metrics.funnel(D::PLATFORM.name, "shown");
        self.watches.begun.notify_one();
        answer
    }

    /// What has come of the link of a question by now; none if nothing has.
    pub(super) async fn outcome(&self, question: &Question) -> Option<Outcome> {
        let id = MessageId::of(&question.asker, question.reference);
        let watch = self.watches.stored(&id).await.ok().flatten()?;
        let answer = watch.answer(self.linking.can_test()).filter(|_| !watch.replaced)?;
        Some(Outcome { answer, is_told: watch.is_told() })
    }

    /// Takes note that the message of a question says this, so that its watch does not say it once more.
    pub(super) async fn note_said(&self, question: &Question, answer: &Answer) {
        let id = MessageId::of(&question.asker, question.reference);
        let can_test = self.linking.can_test();
        let noted = self.watches.change(&id, |watch| {
            let says_so = match (answer, &watch.state) {
                (Answer::AlreadyConnected(_), State::Waiting) if !watch.says_connected => {
                    watch.says_connected = true;
                    return Some(Next::nothing());
                }
                // Somebody has looked while it was shown.
                (Answer::AlreadyConnected(_), State::Connected { .. }) => watch.others.is_empty(),
                _ => watch.answer(can_test).as_ref() == Some(answer),
            };
            if !says_so || watch.is_told() {
                return None;
            }
            watch.shown = watch.changed;
            Some(Next::nothing())
        });
        // Where that cannot be stored, the store says so, and it is said once more.
        let _ = noted.await;
    }

    /// Watches a link no more that nobody will see.
    pub(super) async fn unwatch(&self, question: &Question, decided: &Decided) {
        if let Answer::SignIn(_) = decided.answer {
            let asker = decided.learnt.asker.as_deref().unwrap_or(&question.asker);
            let _ = self.watches.end(&MessageId::of(asker, question.reference)).await;
        }
    }

    /// What a person is answered who says whether it was them that signed in; none where that is not in
    /// doubt any more, or never was theirs to say.
    pub(super) async fn confirm(
        &self,
        question: &Question,
        message: Reference,
        mine: bool,
    ) -> Option<Answer> {
        let id = MessageId::of(&question.asker, message);
        let settled = self.settle_doubt(&id, mine).await;
        settled.unwrap_or_else(|_| Some(Answer::Refused(Reason::StoreUnavailable.into())))
    }
}
