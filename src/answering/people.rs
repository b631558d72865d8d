//! What an administrator asks of one person, without the platform's types.

use std::fmt::Debug;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Answering;
use super::deliver::Deliver;
use crate::core::{Explanation, LinkRemoval, Person, PersonsLink};
use crate::store::StoreError;

/// The people of one platform, as administrators see them. A person's ids are as
/// [`Platform::canonical_id`](crate::core::Platform::canonical_id) has them.
pub trait People: Send + Sync + Debug {
    /// What each step on the way to a link says of a person, and what they would be answered now. Creates
    /// nothing and mints nothing.
    fn explain<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Explanation>;

    /// What is known of a person's link, and whether it is still so; none if none is known.
    fn link_of<'a>(
        &'a self,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Option<PersonsLink>, StoreError>>;

    /// Removes a person's link and nobody else's, for the administrator of the name `by`. Their reason
    /// stands in the audit, where nobody is to be named. The message in which the person reads that they
    /// are connected says then that they are not, if it can still be changed.
    fn remove_link<'a>(
        &'a self,
        person: &'a Person,
        by: &'a str,
        reason: &'a str,
    ) -> BoxFuture<'a, LinkRemoval>;
}

impl<D: Deliver> People for Answering<D> {
    fn explain<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Explanation> {
        async move {
            let newest = self.newest_message(person).await;
            let place = newest.as_ref().map(|message| &message.place);
            match self.deliver.lookup_unasked(place) {
                Some(lookup) => {
                    let profiles = self.deliver.profiles(&lookup);
                    self.linking.explain(person, Some(&profiles)).await
                }
                None => self.linking.explain(person, None).await,
            }
        }
        .boxed()
    }

    fn link_of<'a>(
        &'a self,
        person: &'a Person,
    ) -> BoxFuture<'a, Result<Option<PersonsLink>, StoreError>> {
        self.linking.link_of(person).boxed()
    }

    fn remove_link<'a>(
        &'a self,
        person: &'a Person,
        by: &'a str,
        reason: &'a str,
    ) -> BoxFuture<'a, LinkRemoval> {
        async move {
            let removal = self.linking.remove_link(person, by, reason).await;
            if let LinkRemoval::Removed { endpoints } = &removal
                && let Ok(Some(newest)) = self.messages.newest(person).await
            {
                // The store says itself why it could not; the link is gone all the same.
                let _ = self.watches.removed_by_administrator(&newest, endpoints).await;
            }
            removal
        }
        .boxed()
    }
}
