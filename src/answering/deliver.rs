//! The half of answering that differs between platforms.

use std::fmt::Debug;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::core::{Answer, Person, Platform, Profiles, Question, Refusal};

/// How a platform finds out who asks, and makes one person see one message.
pub trait Deliver: Debug + Send + Sync + 'static {
    /// The platform.
    const PLATFORM: &'static Platform;
    /// The kind of its pending replies in the store. Never changes.
    const JOBS: &'static str;
    /// The longest URL that a button can hold, in characters.
    const LONGEST_LINK: usize;
    /// Whether messages outlive a minted link, so that a button is better off with a page.
    const OUTLIVES_LINKS: bool;
    /// How long after the HTTP response the first message may follow: a platform can take a post that
    /// overtakes its own handling of the response for the older of the two.
    const SETTLE: Duration;
    /// The kind of what follows from a sign-in, in the store. Never changes.
    const FOLLOW_UPS: &'static str;
    /// What the one of several replicas does that looks for new sign-ins, in the store. Never changes.
    const WATCHES: &'static str;
    /// The ways in which a message is shown, as words for metrics.
    const WAYS: &'static [&'static str];
    /// When somebody who waits for a message sees the first sign that it is made.
    const FIRST_SIGNAL: Option<Duration>;
    /// When somebody who waits for a message reads that it is on its way.
    const FIRST_SIGN: Duration;

    /// Where one person sees one message, and what was shown there by now.
    type Place: Serialize + DeserializeOwned + Clone + Debug + Send + Sync;
    /// What it takes to look the asker up.
    type Lookup: Serialize + DeserializeOwned + Clone + Debug + Send + Sync;

    /// The asker, as the core looks them up. Made for one question.
    fn profiles<'a>(&'a self, lookup: &'a Self::Lookup) -> impl Profiles + 'a;

    /// Whether the asker can be looked up by what their personal page carries, and how.
    fn recall(&self, hint: Option<&str>) -> Option<Self::Lookup>;

    /// How somebody is looked up who does not ask: by the newest message of theirs, where there is one.
    /// Nothing is opened for it. None where there is no way.
    fn lookup_unasked(&self, newest: Option<&Self::Place>) -> Option<Self::Lookup>;

    /// Settles who asks before anybody else is asked about them. Gives the person where the question
    /// does not name the account by which Novu knows people.
    ///
    /// # Errors
    /// The asker has no such account, or what the question came with is not to be trusted.
    fn identify(
        &self,
        question: &Question,
        lookup: &Self::Lookup,
    ) -> impl Future<Output = Result<Option<Person>, Refusal>> + Send;

    /// Shows a sign of life that is no message, such as "is typing". Nothing depends on it.
    fn signal(&self, place: &Self::Place) -> impl Future<Output = ()> + Send;

    /// Makes one person see one message: the first call posts it, later ones replace it.
    fn show(
        &self,
        place: &mut Self::Place,
        question: &Question,
        answer: &Answer,
    ) -> impl Future<Output = Shown> + Send;

    /// A place in which somebody can be shown a message who did not ask: beside the newest message of
    /// theirs, where there is one. None where they cannot be reached.
    fn unasked(&self, newest: Option<&Self::Place>) -> Option<Self::Place>;
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The person sees it; in which way, as a word for metrics.
    Shown(&'static str),
    /// The person could not be shown it alone, and was pointed to where they can ask again. There is
    /// nothing to replace later.
    Pointed(&'static str),
    /// Certainly not yet. It can be tried again after so long, if that is known.
    Later(Option<Duration>),
    /// It may be there, and trying again could show it twice.
    Uncertain,
    /// There is no place left where the person could see it.
    Gone,
}
