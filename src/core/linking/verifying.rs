//! What is asked of Novu and of the platform once somebody may have signed in.

use super::Linking;
use crate::core::person::{Person, Profile};
use crate::core::profiles::{Profiles, ProfilesError};
use crate::novu::{ChannelEndpoint, EndpointFilter, Error, Page, SubscriberId};

impl Linking {
    /// The integration's channel endpoints, newest first, a page at a time. Nobody waits for that.
    ///
    /// # Errors
    /// Novu does not answer.
    pub async fn newest_endpoints(
        &self,
        after: Option<String>,
    ) -> Result<Page<ChannelEndpoint>, Error> {
        let integration = Some(self.integration.identifier.clone());
        let filter = EndpointFilter { integration, after, ..EndpointFilter::default() };
        self.novu.polling().list_channel_endpoints(&filter).await
    }

    /// Whether a channel endpoint is there.
    ///
    /// # Errors
    /// Novu does not answer.
    pub async fn has_endpoint(&self, identifier: &str) -> Result<bool, Error> {
        Ok(self.novu.polling().get_channel_endpoint(identifier).await?.is_some())
    }

    /// Removes a channel endpoint, which may be gone already.
    ///
    /// # Errors
    /// Whether it is gone is not known.
    pub async fn remove_endpoint(&self, identifier: &str) -> Result<(), Error> {
        self.novu.delete_channel_endpoint(identifier).await.map(drop)
    }

    /// Looks up a chat user whom an endpoint reaches.
    ///
    /// # Errors
    /// The platform does not say.
    pub async fn look_up(
        &self,
        profiles: &dyn Profiles,
        person: &Person,
    ) -> Result<Profile, ProfilesError> {
        let token = if let Some(token) = &self.integration.bot_token {
            Some(token.clone())
        } else {
            let candidates = self.index.find(&person.workspace).await;
            let candidates = candidates.map_err(|_| ProfilesError::Unavailable)?;
            candidates.first().and_then(|connection| connection.access_token.clone())
        };
        self.profiles.look_up(profiles, person, token.as_ref()).await
    }

    /// Takes note that somebody of a subscriber has signed in: whoever is connected needs no link ahead.
    pub fn signed_in(&self, subscriber: &SubscriberId) {
        self.recent_subscribers.forget(subscriber);
    }

    /// Whether a test notification can be sent.
    #[must_use]
    pub fn can_test(&self) -> bool {
        self.test_workflow.is_some()
    }

    /// Whether it is known that another subscriber holds a person's chat account.
    #[must_use]
    pub fn is_held(&self, person: &Person) -> bool {
        self.endpoints.is_held(person)
    }
}
