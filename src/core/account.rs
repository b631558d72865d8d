//! Whether the platform says who its people are, and what that means for somebody who asks.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::SecretString;

use super::person::{Kind, Person, Profile};
use super::profiles::{Profiles, ProfilesError};
use super::refusal::{Reason, Refusal};
use crate::clock::{SharedClock, Tick};

/// What the operator is told while the platform does not answer who people are.
pub const PROFILES_UNREACHABLE: &str = "profiles_unreachable";
/// What the operator is told of a bot token that Novu has to renew.
pub const TOKEN_EXPIRED: &str = "token_expired";
/// How many look-ups in a row may fail before nobody waits for one any more.
const FEW_FAILURES: u32 = 3;
/// How long nobody waits, until one look-up tells whether the platform answers again.
const PAUSE: Duration = Duration::from_secs(5);
/// How long readiness reports what was met: without further requests nothing shows that it is over.
const REPORTED_FOR: Duration = Duration::from_mins(1);
/// The most workspaces whose state is kept. More than one service has connections for.
const MOST_WORKSPACES: usize = 10_000;

/// What is demanded of an account before it gets an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AccountPolicy {
    /// Whether people are refused of whom the platform does not say who they are.
    pub(super) require_profile: bool,
    /// Whether only members of an installing workspace can ask at all, as with Slack's commands. An
    /// expired token, which Novu alone can renew, then keeps nobody from going on.
    pub(super) only_members_ask: bool,
}

impl AccountPolicy {
    /// Lets people pass, and nobody else. `anybody_asks` is as in [`Profiles::anybody_asks`].
    ///
    /// # Errors
    /// The account is not one of a person of this organisation, or that cannot be told.
    pub(super) fn admit(
        self,
        profile: Result<Profile, ProfilesError>,
        anybody_asks: bool,
    ) -> Result<Option<Profile>, Refusal> {
        match profile {
            Ok(profile) => match profile.kind {
                Kind::Member | Kind::Guest => Ok(Some(profile)),
                Kind::External => Err(Reason::External.into()),
                Kind::Bot => Err(Reason::Bot.into()),
                Kind::Deactivated => Err(Reason::Deactivated.into()),
            },
            // That is an answer, and a no.
            Err(ProfilesError::Stranger) => Err(Reason::External.into()),
            Err(ProfilesError::Expired) if self.only_members_ask && !anybody_asks => Ok(None),
            Err(_) if !self.require_profile => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a platform tells who its people are, and where it does not, why.
#[derive(Debug)]
pub(super) struct ProfileHealth {
    policy: AccountPolicy,
    clock: SharedClock,
    state: Mutex<State>,
}

/// What is known of each workspace or tenant, by its realm: one may be served by another address of the
/// platform than the next.
type State = HashMap<String, Known>;

#[derive(Debug, Default)]
struct Known {
    /// Look-ups in a row that met no answer.
    failures: u32,
    /// When the last of them began or ended.
    tried_at: Option<Tick>,
    /// What was said last, and when.
    said_at: Option<Tick>,
    /// The reason that lasts, if there is one.
    trouble: Option<&'static str>,
}

impl Known {
    fn is_out_of_reach(&self) -> bool {
        self.failures >= FEW_FAILURES
    }

    /// Why the platform tells of nobody here, if that was met in the last minute.
    fn reported(&self, now: Tick) -> Option<&'static str> {
        if self.is_out_of_reach() && is_recent(self.tried_at, now, REPORTED_FOR) {
            return Some(PROFILES_UNREACHABLE);
        }
        self.trouble.filter(|_| is_recent(self.said_at, now, REPORTED_FOR))
    }
}

impl ProfileHealth {
    /// Nothing is known of the platform yet.
    pub(super) fn new(policy: AccountPolicy, clock: SharedClock) -> Self {
        Self { policy, clock, state: Mutex::default() }
    }

    /// Looks a person up. While the platform is out of reach nobody waits: one look-up every few
    /// seconds finds out, all others fail at once.
    ///
    /// # Errors
    /// The platform did not tell, or is known not to answer.
    pub(super) async fn look_up(
        &self,
        profiles: &dyn Profiles,
        person: &Person,
        token: Option<&SecretString>,
    ) -> Result<Profile, ProfilesError> {
        if !self.worth_a_try(person) {
            return Err(ProfilesError::Down);
        }
        let profile = profiles.profile(person, token).await;
        match &profile {
            Err(ProfilesError::Unavailable) => self.no_answer(person),
            _ => self.answered(person),
        }
        match &profile {
            Ok(_) | Err(ProfilesError::Stranger) => self.said(person, None),
            Err(ProfilesError::NotAllowed(reason)) => self.said(person, Some(reason)),
            Err(ProfilesError::Expired) => self.said(person, Some(TOKEN_EXPIRED)),
            Err(_) => {}
        }
        profile
    }

    /// See [`AccountPolicy::admit`].
    pub(super) fn admit(
        &self,
        profile: Result<Profile, ProfilesError>,
        anybody_asks: bool,
    ) -> Result<Option<Profile>, Refusal> {
        self.policy.admit(profile, anybody_asks)
    }

    /// The reason that lasts in a person's workspace, in a word, if one was met last.
    pub(super) fn trouble_of(&self, person: &Person) -> Option<&'static str> {
        self.state().get(person.workspace.realm()).and_then(|known| known.trouble)
    }

    /// Why the platform tells of nobody, in some workspace or another, in words, if it was met in the last
    /// minute: it is out of reach, or has a reason that lasts.
    pub(super) fn warnings(&self) -> BTreeSet<&'static str> {
        let now = self.clock.monotonic();
        self.state().values().filter_map(|known| known.reported(now)).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves at worst one count too few.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with what is known of a person's workspace. Beyond a limit nothing is learnt of
    /// further ones.
    fn with<T>(&self, person: &Person, change: impl FnOnce(&mut Known) -> T) -> Option<T> {
        let realm = person.workspace.realm();
        let mut state = self.state();
        if !state.contains_key(realm) && state.len() >= MOST_WORKSPACES {
            return None;
        }
        Some(change(state.entry(realm.to_owned()).or_default()))
    }

    /// Whether to ask the platform. Says yes to one while it is out of reach, and no to the others.
    fn worth_a_try(&self, person: &Person) -> bool {
        let now = self.clock.monotonic();
        let worth = self.with(person, |known| {
            let out_of_reach = known.is_out_of_reach();
            if out_of_reach && is_recent(known.tried_at, now, PAUSE) {
                return false;
            }
            if out_of_reach {
                known.tried_at = Some(now);
            }
            true
        });
        worth.unwrap_or(true)
    }

    fn no_answer(&self, person: &Person) {
        let now = self.clock.monotonic();
        let failures = self.with(person, |known| {
            known.failures = known.failures.saturating_add(1);
            known.tried_at = Some(now);
            known.failures
        });
        if failures == Some(FEW_FAILURES) {
            tracing::warn!(
                platform = person.platform.as_str(),
                workspace = person.workspace.realm(),
                failures = FEW_FAILURES,
                "the platform does not answer who people are; people are refused until it does"
            );
        }
    }

    fn answered(&self, person: &Person) {
        let was_out_of_reach = self.with(person, |known| {
            let was = known.is_out_of_reach();
            known.failures = 0;
            was
        });
        if was_out_of_reach == Some(true) {
            let workspace = person.workspace.realm();
            tracing::info!(
                platform = person.platform.as_str(),
                workspace,
                "the platform answers again"
            );
        }
    }

    fn said(&self, person: &Person, trouble: Option<&'static str>) {
        let now = self.clock.monotonic();
        let workspace = person.workspace.realm();
        let before = self.with(person, |known| {
            known.said_at = Some(now);
            std::mem::replace(&mut known.trouble, trouble)
        });
        let Some(before) = before else { return };
        if before == trouble {
            return;
        }
        let platform = person.platform.as_str();
        match trouble {
            Some(reason) => tracing::warn!(
                platform,
                workspace,
                reason,
                advice = remedy(reason),
                "the platform does not tell this bot who people are"
            ),
            None => {
                tracing::info!(platform, workspace, "the platform tells again who people are");
            }
        }
    }
}

/// What the operator can do about a reason that lasts.
fn remedy(reason: &str) -> &'static str {
    match reason {
        "missing_scope" => "put users:read into workspaces.scope and run workspace reconnect",
        "no_token" => "run workspace reconnect, or set slack.bot_token",
        TOKEN_EXPIRED => {
            "let Novu renew the token by sending something, or use a new app without token rotation"
        }
        "bad_credentials" => "correct the bot's credentials",
        _ => "run workspace reconnect, which installs the app anew",
    }
}

/// Whether `at` lies less than `span` back.
fn is_recent(at: Option<Tick>, now: Tick, span: Duration) -> bool {
    at.is_some_and(|at| now - at < span)
}

#[cfg(test)]
mod tests;
