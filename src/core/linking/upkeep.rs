//! What the core does and says without being asked by a person: what keeps it fresh, and how it is.

use std::sync::Arc;

use super::Linking;
use crate::supervise::Background;

impl Linking {
    /// What keeps everybody from being served, in a word; none if nothing does. Only what is looked at
    /// without being asked by a person counts: who is taken out of service for it gets no request that
    /// could show that it is over, or with which an administrator could end it.
    pub async fn trouble(&self) -> Option<&'static str> {
        self.index.trouble().await
    }

    /// What keeps some from being served, or was met when somebody was last answered, in words.
    pub async fn warnings(&self) -> Vec<&'static str> {
        let of_index = self.index.warning().await;
        let met = [self.mints.trouble(), self.profiles.warning()];
        of_index.into_iter().chain(met.into_iter().flatten()).collect()
    }

    /// What keeps fresh what is known of Novu.
    #[must_use]
    pub fn background(self: &Arc<Self>) -> [Background; 2] {
        let name = |task| format!("{}_{task}", self.integration.platform.name);
        [
            Background::new(name("workspace_index"), self, |linking, stop| async move {
                linking.index.keep_fresh(stop).await;
            }),
            Background::new(name("link_holders"), self, |linking, stop| async move {
                linking.endpoints.watch(&linking.novu, stop).await;
            }),
        ]
    }
}
