//! Looking somebody up, wherever the bot and they may be together.
//!
//! The connector tells of the members of places that the bot is in. A channel's are its team's, but a
//! shared channel has members who are not in the team, and the app may be gone from the place where
//! somebody wrote. Then their own chat with the bot knows them, if there is one.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Method;
use secrecy::SecretString;

use super::error::CallError;
use super::exchange::Call;
use super::member::Member;
use super::{Connector, ConnectorUrl, Patience};
use crate::core::{Person, Profile, Profiles, ProfilesError};
use crate::teams::pace::Lane;

/// What the operator is told where Entra or the connector does not take the bot's credentials.
pub(crate) const BAD_CREDENTIALS: &str = "bad_credentials";

/// Somebody who is to be looked up.
#[derive(Debug, Clone)]
pub(crate) struct Sought<'a> {
    /// The id of their account, `29:…`.
    pub account: &'a str,
    /// Where they may be a member, the likeliest first: teams by their ids, and conversations. Their
    /// own chat with the bot comes last and need not be named.
    pub rosters: Vec<&'a str>,
    /// How long it may take in all.
    pub patience: Patience,
    /// Whether their own chat is left out, which would be opened for it.
    pub only_there: bool,
}

/// Somebody who was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Who.
    pub member: Member,
    /// Where.
    pub roster: String,
}

impl Connector {
    /// Looks somebody up in one place after the other, until one knows them.
    ///
    /// # Errors
    /// The first place's refusal where all refuse, so a [`CallError::calls_for_another_place`] means
    /// that there is none. Any other error ends the search: it may pass.
    pub(crate) async fn seek(
        &self,
        site: &ConnectorUrl,
        sought: &Sought<'_>,
    ) -> Result<Found, CallError> {
        let (started, patience) = (Instant::now(), self.patience(sought.patience));
        let left = || patience.saturating_sub(started.elapsed());
        let mut refusal = None;
        for &roster in &sought.rosters {
            match self.member(site, roster, sought.account, left()).await {
                Ok(member) => return Ok(Found { member, roster: roster.to_owned() }),
                Err(error) if error.calls_for_another_place() => {
                    refusal.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        if sought.only_there {
            return Err(refusal.unwrap_or(CallError::NotFound));
        }
        match self.seek_apart(site, sought, left).await {
            Err(error) if error.calls_for_another_place() => Err(refusal.unwrap_or(error)),
            result => result,
        }
    }

    /// Looks somebody up in their own chat with the bot.
    async fn seek_apart(
        &self,
        site: &ConnectorUrl,
        sought: &Sought<'_>,
        left: impl Fn() -> Duration,
    ) -> Result<Found, CallError> {
        let account = sought.account;
        let chat = self.personal_chat_within(left(), site, account).await?;
        if sought.rosters.contains(&chat.id()) {
            return Err(CallError::NotFound);
        }
        let member = self.member(site, chat.id(), account, left()).await?;
        Ok(Found { member, roster: chat.id().to_owned() })
    }

    /// Looks up a member of a conversation, or of a team by the team's id.
    async fn member(
        &self,
        site: &ConnectorUrl,
        conversation: &str,
        account: &str,
        patience: Duration,
    ) -> Result<Member, CallError> {
        let url = site.url(&[conversation, "members", account])?;
        let call = Call {
            lane: Lane::Members,
            repeatable: true,
            patience,
            ..self.prepare("member", Method::GET, url, site, conversation)
        };
        Member::read(&self.call(call).await?, account)
    }

    const fn patience(&self, patience: Patience) -> Duration {
        match patience {
            Patience::Brief => self.brief_patience,
            Patience::Long => self.long_patience,
        }
    }
}

/// The one who asked, as the core looks them up. Made for one question: Teams looks nobody up
/// outside of a conversation.
#[derive(Debug)]
pub(crate) struct MemberSearch<'a> {
    connector: &'a Connector,
    site: ConnectorUrl,
    sought: Sought<'a>,
    found: OnceLock<String>,
}

impl<'a> MemberSearch<'a> {
    /// Nobody has been looked up yet.
    #[must_use]
    pub(crate) const fn new(
        connector: &'a Connector,
        site: ConnectorUrl,
        sought: Sought<'a>,
    ) -> Self {
        Self { connector, site, sought, found: OnceLock::new() }
    }

    /// The place that knew them, once they have been looked up.
    #[must_use]
    pub(crate) fn found(&self) -> Option<&str> {
        self.found.get().map(String::as_str)
    }
}

impl Profiles for MemberSearch<'_> {
    /// Looks up the one who asked. The connector is asked with the bot's own token, so the
    /// workspace's plays no part.
    fn profile<'a>(
        &'a self,
        person: &'a Person,
        _token: Option<&'a SecretString>,
    ) -> BoxFuture<'a, Result<Profile, ProfilesError>> {
        async move {
            let found = self.connector.seek(&self.site, &self.sought).await?;
            let profile = found.member.profile(person)?;
            // Set before only if they were looked up before: the same place then.
            let _ = self.found.set(found.roster);
            Ok(profile)
        }
        .boxed()
    }
}

/// That the connector does not find somebody who has just written is no reason to call them a
/// stranger: it is not told apart from not finding the conversation.
impl From<CallError> for ProfilesError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Throttled(wait) => Self::Throttled(wait),
            CallError::Unauthorised => Self::NotAllowed(BAD_CREDENTIALS),
            error if error.calls_for_another_place() => Self::OutOfReach,
            _ => Self::Unavailable,
        }
    }
}
