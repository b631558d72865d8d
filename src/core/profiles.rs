//! Where a platform says who its people are.

use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::person::{Person, Profile};
use super::refusal::{Reason, Refusal};

/// The profiles of a platform's people.
pub trait Profiles: Send + Sync + Debug {
    /// Looks a person up. `token` is the bot token of the person's workspace, if there is one.
    fn profile<'a>(
        &'a self,
        person: &'a Person,
        token: Option<&'a SecretString>,
    ) -> BoxFuture<'a, Result<Profile, ProfilesError>>;

    /// By what the asker is known beside the ids of their person: a profile is good for another question
    /// only where that is the same. In Teams it is the account, which nothing but the profile ties to the
    /// person.
    fn asker(&self) -> String {
        String::new()
    }

    /// What a personal page has to carry so that the person can be looked up again; none where
    /// nothing is needed.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Whether the question came in a way that is open to anybody, also where the platform's others are
    /// open to members alone. Without a profile nobody goes on then.
    fn anybody_asks(&self) -> bool {
        false
    }
}

impl<T: Profiles + ?Sized> Profiles for &T {
    fn profile<'a>(
        &'a self,
        person: &'a Person,
        token: Option<&'a SecretString>,
    ) -> BoxFuture<'a, Result<Profile, ProfilesError>> {
        (**self).profile(person, token)
    }

    fn asker(&self) -> String {
        (**self).asker()
    }

    fn hint(&self) -> Option<String> {
        (**self).hint()
    }

    fn anybody_asks(&self) -> bool {
        (**self).anybody_asks()
    }
}

/// Why a person's profile is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfilesError {
    /// The workspace that the token belongs to does not know this person.
    #[error("the workspace does not know this person")]
    Stranger,
    /// There is no usable token, or it may not look people up, until somebody acts.
    #[error("the bot may not look people up: {0}")]
    NotAllowed(&'static str),
    /// The token has expired and has to be replaced by whoever holds its refresh token.
    #[error("the bot's token has expired")]
    Expired,
    /// There is no place in which the bot and this person are together, as far as it may see.
    #[error("the bot meets this person nowhere")]
    OutOfReach,
    /// The platform asks to slow down.
    #[error("the platform asks to slow down")]
    Throttled(Option<Duration>),
    /// The platform does not answer, or not sensibly.
    #[error("the platform does not answer")]
    Unavailable,
    /// The platform has not answered for a while, so it was not asked.
    #[error("the platform does not answer anybody")]
    Down,
}

/// What whoever depends on the profile is told.
impl From<ProfilesError> for Refusal {
    fn from(error: ProfilesError) -> Self {
        let unavailable = Self::from(Reason::ProfileUnavailable);
        match error {
            ProfilesError::Stranger => Reason::External.into(),
            ProfilesError::Throttled(retry_after) => Self { retry_after, ..unavailable },
            ProfilesError::OutOfReach
            | ProfilesError::NotAllowed(_)
            | ProfilesError::Expired
            | ProfilesError::Down => Self { lasting: true, ..unavailable },
            ProfilesError::Unavailable => unavailable,
        }
    }
}
