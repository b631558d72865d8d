//! The service as it is reached from outside, and what this machine gives it.

use std::sync::Arc;

use reqwest::{Method, StatusCode};

use super::check::Check;
use super::examination::Examination;
use super::open_files::OpenFiles;
use super::outside::Outside;
use super::probe::Probe;
use super::report::Outcome;
use crate::net::{Answered, Cause, Failure};

/// What `/healthz` says.
const ALIVE: &[u8] = b"ok\n";
/// What our figures begin their name with.
const FIGURES: &[u8] = b"connect_build_info";

impl Outside {
    /// Whether the certificates are trusted.
    async fn tls(&self) -> Outcome {
        match self.health().await {
            Err(Failure { cause: cause @ Cause::Tls(_), .. }) => {
                let fix = "let the server send its whole chain of certificates, of an authority that \
                           everybody trusts, for this very name";
                Outcome::failure(format!("at server.public_url, {cause}"), fix)
            }
            _ => Outcome::ok("the certificates at server.public_url are trusted"),
        }
    }

    async fn reached(&self) -> Outcome {
        match self.health().await {
            Ok(answer) if answer.status == StatusCode::OK && answer.body == ALIVE => {
                Outcome::ok("this service answers at server.public_url")
            }
            Ok(answer) => not_us("/healthz", answer),
            Err(failure) => no_way(failure),
        }
    }

    async fn ops_private(&self) -> Outcome {
        match self.send("metrics", Method::GET, "/metrics", |request| request).await {
            Ok(answer) if has(&answer.body, FIGURES) => Outcome::warning(
                "the operators' figures can be read at server.public_url",
                "do not pass requests from outside on to server.ops_listen",
            ),
            _ => Outcome::ok("the operators' figures are not public"),
        }
    }
}

fn has(body: &[u8], words: &[u8]) -> bool {
    body.windows(words.len()).any(|window| window == words)
}

/// What is told where no answer came from `server.public_url`.
pub(crate) fn no_way(failure: &Failure) -> Outcome {
    let fix = match failure.cause {
        Cause::ConnectionRefused => {
            "start the service, and let what listens at server.public_url pass requests on to \
             server.listen"
        }
        _ => failure.cause.advice(),
    };
    Outcome::failure(format!("at server.public_url, {}", failure.cause), fix)
}

/// What is told where somebody else answered at `server.public_url`.
pub(crate) fn not_us(path: &str, answer: &Answered) -> Outcome {
    let status = answer.status.as_u16();
    if answer.status.is_redirection() {
        let finding =
            format!("server.public_url leads elsewhere from {path}, with status {status}");
        let fix = "write the address that it leads to into server.public_url, or stop leading away: \
                   Slack and Teams do not follow";
        return Outcome::failure(finding, fix);
    }
    Outcome::failure(
        format!("something else answers {path} at server.public_url, with status {status}"),
        format!("let the proxy pass {path} on to this service, or correct server.public_url"),
    )
}

pub(super) fn probes(examination: &Arc<Examination>) -> Vec<Probe> {
    let mut probes = vec![Probe::known(Check::ServerFiles, files(examination.settings.files))];
    let Some(outside) = examination.outside() else {
        let fix = "set server.public_url to the https origin that leads here; without it there are no \
                   pages, and nothing can be tried from outside";
        let note = Outcome::note("server.public_url is not set", fix);
        probes.push(Probe::known(Check::ServerPublicUrl, note));
        return probes;
    };
    if outside.is_https() {
        let outside = Arc::clone(outside);
        probes.push(Probe::new(Check::ServerTls, async move { outside.tls().await }));
    }
    let (reached, private) = (Arc::clone(outside), Arc::clone(outside));
    probes.push(Probe::new(Check::ServerPublicUrl, async move { reached.reached().await }));
    probes.push(Probe::new(Check::ServerOpsPrivate, async move { private.ops_private().await }));
    probes
}

fn files(OpenFiles { wanted, affordable, needed }: OpenFiles) -> Outcome {
    if affordable >= wanted {
        return Outcome::ok("as many files may be open as server.max_connections needs");
    }
    Outcome::warning(
        format!("this process may open too few files: {affordable} connections of {wanted}"),
        format!(
            "raise the limit of open files to {needed} (ulimit -n, LimitNOFILE= of systemd), or lower \
             server.max_connections"
        ),
    )
}
