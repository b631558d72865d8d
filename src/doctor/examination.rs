//! What all checks share: how others are asked, and what they have answered already.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::OnceCell;
use url::Url;

use super::dates::Dates;
use super::open_files::OpenFiles;
use super::outside::Outside;
use crate::clock::SharedClock;
use crate::core::Platform;
use crate::core::resolve::Chain;
use crate::net::Outgoing;
use crate::novu::{Error, Novu, Survey};
use crate::store::Store;
use crate::store::config::Settings as StoreSettings;

/// What the configuration says of what is looked at, beside what its owners know themselves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The values that are seldom meant, a sentence for each.
    pub doubts: Vec<String>,
    /// The origin at which people reach the service.
    pub public_url: Option<Url>,
    /// Another region of Novu's, where the configured address is one.
    pub other_region: Option<Url>,
    /// Where what must not be forgotten is kept.
    pub store: StoreSettings,
    /// How many files may be open, and for what.
    pub files: OpenFiles,
    /// The platforms that are on.
    pub platforms: Vec<&'static Platform>,
}

/// One look at everything. It asks each question once, however many checks need the answer.
#[derive(Debug)]
pub struct Examination {
    pub(super) settings: Settings,
    /// The store of the running service; in memory where only the configuration is looked at.
    pub(super) store: Store,
    pub(super) novu: Novu,
    pub(super) http: Outgoing,
    pub(super) chain: Arc<Chain>,
    pub(super) clock: SharedClock,
    pub(super) dates: Dates,
    survey: OnceCell<Result<Survey, Error>>,
    outside: Option<Arc<Outside>>,
}

impl Examination {
    /// A look that has not begun.
    #[must_use]
    pub fn new(
        settings: Settings,
        store: Store,
        novu: &Novu,
        http: Outgoing,
        chain: Arc<Chain>,
        clock: SharedClock,
    ) -> Self {
        let outside =
            settings.public_url.clone().map(|url| Arc::new(Outside::new(url, http.clone())));
        // Whoever looks waits for it.
        let novu = novu.at_once();
        let dates = Dates::new(Arc::clone(&clock));
        Self { settings, store, novu, http, chain, clock, dates, survey: OnceCell::new(), outside }
    }

    /// Asks Novu, within [`crate::novu::Settings::timeout`].
    pub(crate) fn novu(&self) -> &Novu {
        &self.novu
    }

    /// Makes calls.
    pub(crate) fn http(&self) -> &Outgoing {
        &self.http
    }

    /// Finds people's subscribers.
    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Tells the time.
    pub(crate) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// The service as it is reached from outside; none where `server.public_url` is not set.
    pub(crate) fn outside(&self) -> Option<&Arc<Outside>> {
        self.outside.as_ref()
    }

    /// Takes note of what time it is elsewhere, by an answer that has just come.
    pub(crate) fn note_date(&self, place: &'static str, date: Option<Timestamp>) {
        self.dates.note(place, date);
    }

    /// What Novu says of itself.
    pub(super) async fn survey(&self) -> &Result<Survey, Error> {
        let survey = async {
            let survey = self.novu.survey("list_integrations").await;
            if let Ok(survey) = &survey {
                self.note_date("Novu", survey.date);
            }
            survey
        };
        self.survey.get_or_init(|| survey).await
    }
}
