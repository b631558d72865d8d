//! What the core does and says without being asked by a person: what keeps it fresh, and how it is.

use std::sync::Arc;

use super::Linking;
use crate::supervise::Background;

impl Linking {
    /// What keeps everybody from being served, in a word; none if nothing does. What is met only while people
    /// are answered, or can be mended through the service, does not count: whoever was taken out of service
    /// for that would get no request that shows that it is over, or that mends it.
    pub async fn trouble(&self) -> Option<&'static str> {
        self.index.trouble().await
    }

    /// What else keeps people from being served, in words.
    pub async fn warnings(&self) -> Vec<&'static str> {
        let of_index = self.index.warning().await;
        let met = self.mints.trouble().into_iter().chain(self.profiles.warnings());
        of_index.into_iter().chain(met).collect()
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
