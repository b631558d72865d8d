//! Whether Novu is there, and takes the key.

use std::sync::Arc;

use super::check::Check;
use super::examination::Examination;
use super::probe::Probe;
use super::report::Outcome;
use crate::net::Outgoing;
use crate::novu::Error;

/// What is told of a failed call: what came back, and what to do about it. `words` stand in where nothing
/// more is known.
pub(crate) fn told(
    http: &Outgoing,
    (upstream, operation): (&'static str, &'static str),
    words: &str,
) -> (String, String) {
    match http.upstreams().find_ill(upstream, operation) {
        Some(ill) => {
            let cause = ill.cause.to_string();
            let known = words.ends_with(&cause);
            let finding = if known { words.to_owned() } else { format!("{words}: {cause}") };
            (finding, ill.advice.to_owned())
        }
        None => (words.to_owned(), "try again; if it stays, look at the log".to_owned()),
    }
}

/// What is told of a call to Novu that brought no usable answer.
pub(super) fn no_answer(
    examination: &Examination,
    operation: &'static str,
    error: &Error,
) -> Outcome {
    let (finding, fix) = told(&examination.http, ("novu", operation), &error.to_string());
    Outcome::failure(finding, fix)
}

pub(super) fn probes(examination: &Arc<Examination>) -> Vec<Probe> {
    let probe = |check, judge: fn(&Examination, &Error) -> Option<Outcome>, good: &'static str| {
        let examination = Arc::clone(examination);
        Probe::new(check, async move {
            let bad = examination.survey().await.as_ref().err();
            bad.and_then(|error| judge(&examination, error)).unwrap_or_else(|| Outcome::ok(good))
        })
    };
    let mut probes = vec![
        probe(Check::NovuReachable, unreachable, "Novu answers"),
        probe(Check::NovuRateLimit, throttled, "there is room in Novu's rate limits"),
        probe(Check::NovuKey, refused, "Novu takes the key"),
    ];
    if let Some(other) = examination.settings.other_region.clone() {
        let examination = Arc::clone(examination);
        probes.push(Probe::new(Check::NovuRegion, async move {
            if *examination.survey().await != Err(Error::BadKey) {
                return Outcome::ok("the key is of the region that is asked");
            }
            let host = other.host_str().unwrap_or_default().to_owned();
            match examination.novu.at(other).survey("try_other_region").await {
                Ok(_) => Outcome::failure(
                    format!("the key is one of Novu's other region, {host}"),
                    format!("set novu.api_url = \"https://{host}\", or use a key of this region"),
                ),
                Err(_) => Outcome::ok("the key is none of Novu's other region either"),
            }
        }));
    }
    probes
}

fn unreachable(examination: &Examination, error: &Error) -> Option<Outcome> {
    let outcome = no_answer(examination, "list_integrations", error);
    match error {
        Error::BadKey | Error::Throttled { .. } => None,
        Error::Rejected { .. } | Error::Nonsense(_) => Some(Outcome {
            fix: Some(
                "write the root of Novu's API into novu.api_url, not the dashboard's; else look what \
                 answers there in its place"
                    .to_owned(),
            ),
            ..outcome
        }),
        _ => Some(outcome),
    }
}

fn throttled(_: &Examination, error: &Error) -> Option<Outcome> {
    matches!(error, Error::Throttled { .. }).then(|| {
        let fix =
            "wait a minute; if it stays, raise the plan's limits, or find who else uses the key";
        Outcome::failure("Novu's rate limit is used up", fix)
    })
}

fn refused(_: &Examination, error: &Error) -> Option<Outcome> {
    (*error == Error::BadKey).then(|| {
        let fix = "copy a secret key of the right environment from Novu's dashboard, API Keys, into \
                   novu.api_key";
        Outcome::failure("Novu does not take novu.api_key", fix)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use connect_sandbox::novu as sandbox;
    use url::Url;

    use super::*;
    use crate::clock::{SharedClock, SystemClock};
    use crate::core::resolve::Chain;
    use crate::doctor::{OpenFiles, Settings, Severity, probe};
    use crate::metrics::Metrics;
    use crate::net;
    use crate::novu::{self, Novu};
    use crate::store::Store;
    use crate::store::config::{Location, Settings as StoreSettings};

    /// What is told of a key at one Novu, where another has another key.
    async fn severities(key: &str) -> Vec<(Check, Severity)> {
        let clock: SharedClock = Arc::new(SystemClock);
        let region = async |key: &str| {
            let options = sandbox::Options { api_keys: vec![key.to_owned()], ..Default::default() };
            sandbox::Novu::start(Arc::new(SystemClock), options).await.unwrap()
        };
        let (us, eu) = (region("canary-us").await, region("canary-eu").await);
        let address = |novu: &sandbox::Novu| Url::parse(novu.url()).unwrap();
        let metrics = Arc::new(Metrics::new());
        let http = Outgoing::new(net::client().unwrap(), Arc::clone(&clock), metrics);
        let settings = novu::Settings {
            api_url: address(&us),
            api_key: key.into(),
            timeout: Duration::from_secs(5),
            patience: Duration::from_secs(5),
            context_hmac: false,
            test_workflow: None,
        };
        let novu = Novu::new(settings, http.clone(), Arc::clone(&clock)).unwrap();
        let examined = Settings {
            doubts: Vec::new(),
            public_url: None,
            other_region: Some(address(&eu)),
            store: StoreSettings { location: Location::Memory, keys: Vec::new() },
            files: OpenFiles { wanted: 1, affordable: 1, needed: 1 },
            platforms: Vec::new(),
        };
        let store = Store::in_memory(Arc::clone(&clock));
        let chain = Arc::new(Chain::new(Vec::new(), Vec::new()));
        let examination = Examination::new(examined, store, &novu, http, chain, clock);
        let last = Probe::known(Check::ServerClock, Outcome::ok("fine"));
        let report = probe::make_all(probes(&Arc::new(examination)), last).await;
        let told = report.checks.into_iter().map(|finding| (finding.check, finding.severity));
        told.filter(|(check, _)| matches!(check, Check::NovuRegion | Check::NovuKey)).collect()
    }

    #[tokio::test]
    async fn a_key_of_the_other_region_is_told_from_a_wrong_one() {
        let cases = [
            ("canary-us", Severity::Ok, Severity::Ok),
            ("canary-eu", Severity::Failure, Severity::Skipped),
            ("canary-wrong", Severity::Ok, Severity::Failure),
        ];
        for (key, region, of_key) in cases {
            let told = [(Check::NovuRegion, region), (Check::NovuKey, of_key)];
            assert_eq!(severities(key).await, told, "{key}");
        }
    }

    #[test]
    fn only_novus_own_regions_have_another() {
        let other = |url: &str| novu::config::other_region(&Url::parse(url).unwrap());
        assert_eq!(other("https://api.novu.co/").unwrap().as_str(), "https://eu.api.novu.co/");
        assert_eq!(other("https://eu.api.novu.co").unwrap().as_str(), "https://api.novu.co/");
        for url in ["https://novu.example.com", "http://api.novu.co", "http://127.0.0.1:3000"] {
            assert_eq!(other(url), None, "{url}");
        }
    }
}
