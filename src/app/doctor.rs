//! Everything that the service depends on, looked at.

use std::sync::Arc;

use super::{App, Config};
use crate::doctor::{Examination, OpenFiles, Report, Settings, examine};
use crate::http::files::{files_needed, within};
use crate::{metrics, novu};

/// What a configuration says of what is looked at.
pub(super) fn settings(config: &Config) -> Settings {
    let wanted = config.server.max_connections;
    Settings {
        doubts: config.warnings.iter().map(ToString::to_string).collect(),
        public_url: config.server.public_url.clone(),
        other_region: novu::config::other_region(&config.novu.api_url),
        store: config.store.clone(),
        files: OpenFiles {
            wanted,
            affordable: within(wanted, metrics::open_files_limit()),
            needed: files_needed(wanted),
        },
        platforms: config.surfaces.iter().map(|settings| settings.platform()).collect(),
    }
}

impl App {
    /// Looks at everything that the service depends on, and says what is wrong, with the fix. Only reads. It
    /// takes seconds, and calls Novu and the platforms some dozen times; however many ask meanwhile, they get
    /// one report.
    pub async fn doctor(&self) -> Report {
        let app = self.clone();
        let look = self.examining.join_or_begin(|| async move { app.look().await });
        // One that broke off has told nobody anything.
        match look.outcome().await {
            Some(report) => report,
            None => self.look().await,
        }
    }

    async fn look(&self) -> Report {
        let examination = Arc::new(Examination::new(
            (*self.examined).clone(),
            self.common.store.clone(),
            &self.common.novu,
            self.common.http.clone(),
            Arc::clone(&self.common.chain),
            Arc::clone(&self.common.clock),
        ));
        let surfaces = self.surfaces.iter().cloned();
        examine(&examination, surfaces.flat_map(|surface| surface.checks(&examination))).await
    }
}
