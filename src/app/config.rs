//! The configuration of the service: the sections of its parts in one.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crate::answering::{SurfaceEntry, SurfaceSettings};
use crate::config::{
    Fingerprints, Problems, ReadFile, Reader, Section, Sources, Warning, read_text,
};
use crate::core::Platform;
use crate::core::resolve::config as identity;
use crate::core::workspaces::config as workspaces;
use crate::net::HttpsProxy;
use crate::{http, novu, slack, store, teams, telemetry, words};

/// The chat platforms that there are.
static SURFACES: &[&SurfaceEntry] = &[&slack::SURFACE, &teams::SURFACE];

/// The chat platforms that there are, by what they are to the core.
pub(crate) fn platforms() -> impl Iterator<Item = &'static Platform> {
    SURFACES.iter().map(|entry| entry.platform)
}

/// Every section that there is.
#[must_use]
pub fn sections() -> Vec<&'static Section> {
    let platforms = SURFACES.iter().map(|entry| entry.section);
    [&http::config::SECTION, &store::config::SECTION, &novu::config::SECTION]
        .into_iter()
        .chain(platforms)
        .chain([&identity::SECTION, &workspaces::SECTION, &words::config::SECTION])
        .collect()
}

/// A configuration in which everything fits together. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// How the service listens.
    pub server: http::config::Settings,
    /// Where what must not be forgotten is kept.
    pub store: store::config::Settings,
    /// How Novu is reached.
    pub(crate) novu: novu::Settings,
    /// The chat platforms that are on.
    pub(crate) surfaces: Vec<Arc<dyn SurfaceSettings>>,
    /// How a person's subscriber is found.
    pub(crate) identity: identity::Settings,
    /// What workspaces are connected with.
    pub(crate) workspaces: workspaces::Settings,
    /// What people read of the app and of whoever runs it.
    pub(crate) app: words::config::Settings,
    /// What is seldom meant, though it was taken.
    pub(crate) warnings: Vec<Warning>,
    /// What tells it from another one, key by key.
    pub(super) fingerprints: Fingerprints,
}

impl Config {
    /// Puts a configuration together from the content of a file and environment variables.
    /// Variables without the prefix `CONNECT_` are passed over, save for `HTTPS_PROXY` and `NO_PROXY`
    /// (see [`HttpsProxy::choose`]).
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(
        file: Option<&str>,
        env: impl IntoIterator<Item = (String, String)>,
        read_file: ReadFile<'_>,
    ) -> Result<Self, Problems> {
        Self::from_sources(&Sources::new(file.map(str::to_owned), env), read_file)
    }

    /// As [`Config::load`], from this process's environment and the file of that path, if any.
    ///
    /// # Errors
    /// Everything that is wrong, at once; or only that the file cannot be read.
    pub(crate) fn from_process(path: Option<&Path>) -> Result<Self, Problems> {
        let sources = Sources::of_process(path)?;
        Self::from_sources(&sources, &read_text)
    }

    /// Where the service listens that was started with this process's environment and the file of
    /// that path, if any. Nothing else has to be there or right.
    ///
    /// # Errors
    /// The file cannot be read, or `server.listen` is no address.
    pub(crate) fn listen_from_process(path: Option<&Path>) -> Result<SocketAddr, Problems> {
        let mut reader = Sources::of_process(path)?.read_without_secrets(&sections());
        match http::config::Settings::read_listen(&mut reader) {
            Some(listen) => Ok(listen),
            None => reader.conclude(None).map(|(listen, _)| listen),
        }
    }

    /// Where the store is of a service that was started with this process's environment and the file of
    /// that path, if any, with the warnings about it. Nothing else has to be there.
    ///
    /// # Errors
    /// The file cannot be read, or something is wrong with the store or with how values are given.
    pub(crate) fn store_from_process(
        path: Option<&Path>,
    ) -> Result<(store::config::Settings, Vec<Warning>), Problems> {
        let sources = Sources::of_process(path)?;
        let mut reader = sources.read(&sections(), &read_text);
        let store = Self::read_store(&mut reader, &sources);
        reader.conclude(store)
    }

    fn read_store(reader: &mut Reader, sources: &Sources) -> Option<store::config::Settings> {
        let mut store = store::config::Settings::read(reader)?;
        store.settle(reader, sources.variable(store::config::STATE_DIRECTORY).as_deref());
        Some(store)
    }

    fn from_sources(sources: &Sources, read_file: ReadFile<'_>) -> Result<Self, Problems> {
        let mut reader = sources.read(&sections(), read_file);
        let mut config = Self::read(&mut reader);
        if let Some(config) = &mut config {
            let proxy =
                HttpsProxy::choose(config.server.proxy.take(), |name| sources.variable(name));
            config.server.proxy = proxy.unwrap_or_else(|bad| {
                reader.add(format!("The variable HTTPS_PROXY {bad}."));
                None
            });
            let directory = sources.variable(store::config::STATE_DIRECTORY);
            config.store.settle(&mut reader, directory.as_deref());
        }
        let filter = sources.variable(telemetry::FILTER_VARIABLE);
        if let Some(problem) = filter.as_deref().and_then(telemetry::filter_problem) {
            reader.add(format!("The variable {} {problem}.", telemetry::FILTER_VARIABLE));
        }
        let fingerprints = reader.fingerprints(&sections());
        let (config, warnings) = reader.conclude(config)?;
        Ok(Self { warnings, fingerprints, ..config })
    }

    /// Reads every section; `None` where a problem was noted.
    fn read(reader: &mut Reader) -> Option<Self> {
        let server = http::config::Settings::read(reader);
        let store = store::config::Settings::read(reader);
        let novu = novu::Settings::read(reader);
        let on: Vec<_> =
            SURFACES.iter().filter(|entry| reader.has_section(entry.section.name)).collect();
        if on.is_empty() {
            let sections = SURFACES.iter().map(|entry| format!("[{}]", entry.section.name));
            let sections = sections.collect::<Vec<_>>().join(" or ");
            reader.lacks_all(&format!("No chat platform is on: fill in the section {sections}."));
        }
        // One that is on and wrong has its problems, so what comes of it here does not matter.
        let surfaces = on.into_iter().filter_map(|entry| (entry.read)(reader)).collect();
        let identity = identity::Settings::read(reader);
        let workspaces = workspaces::Settings::read(reader);
        let app = words::config::Settings::read(reader);
        Some(Self {
            server: server?,
            store: store?,
            novu: novu?,
            surfaces,
            identity: identity?,
            workspaces: workspaces?,
            app: app?,
            warnings: Vec::new(),
            fingerprints: Fingerprints::default(),
        })
    }

    /// The same with one more platform, which is not in the service's list.
    #[must_use]
    pub fn with_surface(mut self, settings: Arc<dyn SurfaceSettings>) -> Self {
        self.surfaces.push(settings);
        self
    }

    /// The platforms that somebody may be on.
    pub(super) fn platforms(&self) -> Vec<&'static Platform> {
        let on = self.surfaces.iter().map(|settings| settings.platform());
        let mut platforms: Vec<_> = SURFACES.iter().map(|entry| entry.platform).chain(on).collect();
        platforms.sort_by_key(|platform| platform.name);
        platforms.dedup_by_key(|platform| platform.name);
        platforms
    }

    /// Notes what is wrong with what is there already, but not what is missing.
    pub(crate) fn judge_unfinished(reader: &mut Reader) {
        reader.overlooking_missing(|reader| {
            Self::read(reader);
        });
    }

    /// What is on, in lines of a name and its value, without secrets.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        let mut lines = self.server.describe();
        lines.extend(self.store.describe());
        lines.extend(self.novu.describe());
        lines.extend(self.surfaces.iter().flat_map(|settings| settings.describe()));
        lines.extend(self.identity.describe());
        lines.extend(self.workspaces.describe());
        lines.extend(self.app.describe());
        lines
    }
}
