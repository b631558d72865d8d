//! What the service takes over from a new configuration while it runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::resolving::Resolving;
use super::{App, Config};
use crate::answering::Common;
use crate::config::{KeyName, Problems, Reload};
use crate::core::resolve::config as identity;
use crate::http;
use crate::signing::SigningKey;

/// What came of a new configuration.
#[derive(Debug, PartialEq, Eq)]
struct Reloaded {
    /// The keys whose new values are in force.
    taken: BTreeSet<KeyName>,
    /// The keys that have changed and need a restart.
    left: BTreeSet<KeyName>,
}

impl App {
    /// Takes over from a new configuration what can change while the service runs, and says in the log
    /// what that was and what needs a restart. One that is wrong changes nothing, and the log has
    /// everything that is wrong with it.
    pub async fn reload(&self, new: Result<Config, Problems>) {
        let new = match new {
            Ok(new) => new,
            Err(problems) => {
                for problem in problems.iter() {
                    tracing::error!(%problem, "the new configuration is wrong");
                }
                return tracing::error!("the new configuration is not taken: nothing changes");
            }
        };
        for warning in &new.warnings {
            tracing::warn!("{warning}");
        }
        match self.take_over(new).await {
            Ok(Reloaded { taken, left }) => {
                tracing::info!(keys = listed(&taken), "the configuration was read anew");
                if !left.is_empty() {
                    tracing::warn!(
                        keys = listed(&left),
                        "these keys have changed and need a restart"
                    );
                }
            }
            Err(error) => tracing::error!(
                error = format!("{error:#}"),
                "the new configuration is not taken: nothing changes"
            ),
        }
    }

    async fn take_over(&self, new: Config) -> anyhow::Result<Reloaded> {
        // One at a time, each to its end.
        let mut in_force = self.in_force.lock().await;
        let mut reloads: Vec<_> = self.reload_links(&new.server).into_iter().collect();
        reloads.push(self.reload_admin(&new.server));
        reloads.push(self.reload_chain(&new).await?);
        for surface in &self.surfaces {
            let platform = surface.machine().platform().name;
            let settings = new.surfaces.iter().find(|new| new.platform().name == platform);
            if let Some(settings) = settings {
                reloads.push(Arc::clone(surface).reload(&**settings).await?);
            }
        }
        let changed = in_force.changed(&new.fingerprints);
        let known: BTreeSet<_> = reloads.iter().flat_map(Reload::keys).copied().collect();
        let contents = reloads.iter().flat_map(Reload::contents).copied().collect();
        let taken = &(&changed & &known) | &contents;
        let left = &changed - &known;
        // Nothing can fail any more.
        reloads.into_iter().for_each(Reload::take);
        in_force.take(&new.fingerprints, &taken);
        Ok(Reloaded { taken, left })
    }

    /// The keys of addresses from before, where there are personal pages.
    fn reload_links(&self, new: &http::config::Settings) -> Option<Reload> {
        let links = Arc::clone(self.common.links.as_ref()?);
        let keys: Vec<_> = new.link_keys.iter().filter_map(SigningKey::new).collect();
        Some(Reload::new([http::config::LINK_KEYS.name], move || links.use_keys(keys)))
    }

    /// Who may use the admin API.
    fn reload_admin(&self, new: &http::config::Settings) -> Reload {
        let (admin, tokens) = (Arc::clone(&self.admin), new.admin_tokens.clone());
        Reload::new([http::config::ADMIN_TOKENS.name], move || admin.use_tokens(tokens))
    }

    /// All of the section `identity`, the table's content among it. It is judged as at a start, so a
    /// table that has lost most of its rows is taken.
    async fn reload_chain(&self, new: &Config) -> anyhow::Result<Reload> {
        let Common { http, clock, metrics, chain, .. } = &*self.common;
        let resolving = Resolving { http, clock, metrics };
        let new = resolving.chain(&new.identity, new.platforms()).await?;
        let chain = Arc::clone(chain);
        let new_table = new.has_other_rows_than(&chain);
        let keys = identity::SECTION.keys.iter().map(|key| key.name);
        let reload = Reload::new(keys, move || chain.adopt(&new));
        Ok(if new_table { reload.with_new_content_of(identity::TABLE.name) } else { reload })
    }
}

/// The names of keys as a log line shows them.
fn listed(keys: &BTreeSet<KeyName>) -> String {
    if keys.is_empty() {
        return "none".to_owned();
    }
    keys.iter().copied().collect::<Vec<_>>().join(", ")
}
