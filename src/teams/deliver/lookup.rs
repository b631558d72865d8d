//! How somebody in Teams is looked up: where they ask, and later by what their personal page carries.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Place;
use crate::core::{Person, Profile, Profiles, ProfilesError};
use crate::teams::activity::{Account, ConversationRef};
use crate::teams::connector::{MemberSearch, Patience, Sought};

/// What it takes to look somebody up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::teams) struct Lookup {
    pub(super) service_url: String,
    pub(super) tenant: String,
    account: String,
    rosters: Vec<String>,
    /// Whether they watch, and should not be kept waiting.
    #[serde(default)]
    watched: bool,
    /// Whether they are looked up in these places alone, and no chat with them is opened for it.
    #[serde(default)]
    only_there: bool,
}

impl Lookup {
    pub(in crate::teams) fn of(origin: &ConversationRef, from: &Account) -> Self {
        Self {
            service_url: origin.service_url.clone(),
            tenant: origin.tenant.clone(),
            account: from.id.clone(),
            rosters: origin.rosters().into_iter().map(str::to_owned).collect(),
            watched: false,
            only_there: false,
        }
    }

    /// The lookup of somebody who does not ask, in the place of a message of theirs.
    pub(super) fn unasked(place: &Place) -> Self {
        let own = place.conversation.id.split(';').next().unwrap_or_default();
        Self {
            service_url: place.service_url.clone(),
            tenant: place.tenant.clone(),
            account: place.account.clone(),
            rosters: vec![own.to_owned()],
            watched: true,
            only_there: true,
        }
    }

    pub(super) fn sought(&self) -> Sought<'_> {
        Sought {
            account: &self.account,
            rosters: self.rosters.iter().map(String::as_str).collect(),
            patience: if self.watched { Patience::Brief } else { Patience::Long },
            only_there: self.only_there,
        }
    }

    /// The lookup of somebody whose personal page carries `hint`.
    pub(super) fn recall(hint: &str) -> Option<Self> {
        let Hint { service_url, tenant, roster, account } = serde_json::from_str(hint).ok()?;
        let (rosters, watched, only_there) = (vec![roster], true, false);
        Some(Self { service_url, tenant, account, rosters, watched, only_there })
    }
}

/// What a personal page carries to look its person up once more: where they were found when they
/// asked.
#[derive(Debug, Serialize, Deserialize)]
struct Hint {
    #[serde(rename = "s")]
    service_url: String,
    #[serde(rename = "t", default)]
    tenant: String,
    #[serde(rename = "c")]
    roster: String,
    #[serde(rename = "a")]
    account: String,
}

/// The asker, as the core looks them up, if their connector can be asked.
#[derive(Debug)]
pub(super) struct Members<'a> {
    pub(super) roster: Option<MemberSearch<'a>>,
    pub(super) lookup: &'a Lookup,
}

impl Profiles for Members<'_> {
    fn profile<'a>(
        &'a self,
        person: &'a Person,
        token: Option<&'a SecretString>,
    ) -> BoxFuture<'a, Result<Profile, ProfilesError>> {
        match &self.roster {
            Some(roster) => roster.profile(person, token),
            None => ready(Err(ProfilesError::OutOfReach)).boxed(),
        }
    }

    fn asker(&self) -> String {
        self.lookup.account.clone()
    }

    fn hint(&self) -> Option<String> {
        let roster = self.roster.as_ref().and_then(MemberSearch::found).unwrap_or_default();
        let hint = Hint {
            service_url: self.lookup.service_url.clone(),
            tenant: self.lookup.tenant.clone(),
            roster: roster.to_owned(),
            account: self.lookup.account.clone(),
        };
        serde_json::to_string(&hint).ok()
    }
}
