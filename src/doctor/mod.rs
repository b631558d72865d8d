//! The doctor: looks at everything that the service depends on, and says what is wrong, with the fix.
//!
//! The table of [`Check`]s is in `check.rs`. A [`Probe`] makes one of them; those that need one another are
//! made one after the other, and where one fails, what follows from it is skipped, so that the thing that
//! is wrong is named and nothing else. What several checks need is asked for once, by the [`Examination`].
//! Novu, the store, the server and the resolvers are looked at here; a platform brings checks of its own
//! ([`Surface::checks`](crate::answering::Surface::checks)).
//!
//! All of them only read. Nothing is created, minted or sent.

mod check;
mod clock;
mod dates;
mod examination;
mod identity;
mod integration;
mod novu;
mod open_files;
mod outside;
mod probe;
mod report;
mod server;
mod sightings;
mod store;

pub use check::Check;
pub use examination::{Examination, Settings};
pub(crate) use integration::{NovuChecks, NovuSide, listed};
pub(crate) use novu::told;
pub use open_files::OpenFiles;
pub(crate) use outside::Outside;
pub use probe::Probe;
pub use report::{Finding, Outcome, Report, Severity};
pub(crate) use server::{no_way, not_us};
pub use sightings::{Sighting, Sightings};

use std::sync::Arc;

/// Makes all checks: those of the service, and those that its platforms bring.
pub(crate) async fn examine(
    examination: &Arc<Examination>,
    of_platforms: impl IntoIterator<Item = Probe>,
) -> Report {
    let mut probes = vec![config_values(examination)];
    probes.extend(novu::probes(examination));
    probes.extend(server::probes(examination));
    probes.extend(store::probes(examination));
    probes.extend(identity::probes(examination));
    probes.extend(of_platforms);
    probe::make_all(probes, clock::probe(examination)).await
}

fn config_values(examination: &Examination) -> Probe {
    let doubts = &examination.settings.doubts;
    Probe::known(
        Check::ConfigValues,
        if doubts.is_empty() {
            Outcome::ok("no value of the configuration is in doubt")
        } else {
            Outcome::warning(
                doubts.join(" "),
                "change these values, or leave them if they are meant",
            )
        },
    )
}
