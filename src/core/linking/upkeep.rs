//! What the core does and says without being asked by a person: what keeps it fresh, and how it is.

use std::sync::Arc;

use super::Linking;
use crate::supervise::Background;

impl Linking {
    /// What keeps everybody from being served, in a word; none if nothing does.
    pub async fn trouble(&self) -> Option<&'static str> {
        let of_index = self.index.trouble().await;
        let served = self.index.workspaces().await;
        let of_mints = || self.mints.trouble();
        of_index
            .or_else(of_mints)
            .or_else(|| self.profiles.trouble(served, self.chain.needs_profile()))
    }

    /// What keeps some from being served, or will, in a word; none if nothing is known of that.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        self.profiles.warning()
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
