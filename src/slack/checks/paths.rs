//! Whether requests to the paths that Slack calls get here from outside, as they were sent.

use axum::http::StatusCode;

use super::super::self_test::{Fate, SLACK_WAITS, SelfTest, ssl_check};
use super::{COMMANDS, INTERACTIONS, Look};
use crate::doctor::{Outcome, Outside, no_way, not_us};

impl Look {
    fn outside(&self) -> Option<(&Outside, SelfTest<'_>)> {
        let outside = self.examination.outside()?;
        let test = SelfTest {
            outside,
            key: self.slack.verifier.keys().into_iter().next()?,
            clock: &self.slack.clock,
            random: &self.slack.random,
        };
        Some((outside, test))
    }

    /// What became of a signed request to the command's path.
    async fn signed(&self) -> Option<&Fate> {
        let send = || async { Some(self.outside()?.1.send(COMMANDS, false).await) };
        self.signed.get_or_init(send).await.as_ref()
    }

    pub(super) async fn commands_path(&self) -> Outcome {
        let Some((outside, _)) = self.outside() else { return untried() };
        match ssl_check(outside, COMMANDS).await {
            // What the service refuses has come to it.
            Ok(answer)
                if matches!(answer.status, StatusCode::OK | StatusCode::UNAUTHORIZED)
                    && answer.body.is_empty() =>
            {
                Outcome::ok(format!("requests to {COMMANDS} get here from outside"))
            }
            Ok(answer) => not_us(COMMANDS, &answer),
            Err(failure) => no_way(&failure),
        }
    }

    pub(super) async fn signature_headers(&self) -> Outcome {
        let lost = match (self.signed().await, self.outside()) {
            (Some(Fate::Unbelieved), Some((_, test))) => !test.headers_arrive(COMMANDS).await,
            _ => false,
        };
        if !lost {
            return Outcome::ok("the headers of Slack's signature get here");
        }
        Outcome::failure(
            "a proxy takes the headers of Slack's signature away",
            "let it pass X-Slack-Signature and X-Slack-Request-Timestamp on",
        )
    }

    pub(super) async fn signing_secret(&self) -> Outcome {
        match self.signed().await {
            None => untried(),
            Some(Fate::Intact(took)) if *took >= SLACK_WAITS => Outcome::warning(
                format!(
                    "a request takes {} ms on its way, and Slack waits for 3 s",
                    took.as_millis()
                ),
                "look at what is slow between the public and this service",
            ),
            Some(Fate::Intact(_)) => Outcome::ok(
                "the service takes what is signed with the first of slack.signing_secrets",
            ),
            Some(Fate::NoForm) => Outcome::failure(
                "a proxy changes the header Content-Type, so commands cannot be read",
                "let it pass Content-Type on as it is",
            ),
            Some(Fate::Unbelieved) => Outcome::failure(
                "the service at server.public_url does not take what is signed with the first of \
                 slack.signing_secrets",
                "reload the service, which may have older secrets than this configuration",
            ),
            Some(Fate::Elsewhere(answer)) => not_us(COMMANDS, answer),
            Some(Fate::Lost(failure)) => no_way(failure),
        }
    }

    pub(super) async fn body_unchanged(&self) -> Outcome {
        let Some((_, test)) = self.outside() else { return untried() };
        match test.send(COMMANDS, true).await {
            Fate::Intact(_) => Outcome::ok("bodies get here as they were sent"),
            Fate::Lost(failure) => no_way(&failure),
            Fate::NoForm | Fate::Unbelieved | Fate::Elsewhere(_) => Outcome::failure(
                "a proxy changes bodies on their way, so Slack's signature does not fit them",
                "let it pass bodies on byte for byte: no filter, no rewriting of forms",
            ),
        }
    }

    pub(super) async fn interactions_path(&self) -> Outcome {
        let Some((_, test)) = self.outside() else { return untried() };
        match test.send(INTERACTIONS, false).await {
            Fate::Intact(_) => {
                Outcome::ok(format!("requests to {INTERACTIONS} get here from outside"))
            }
            Fate::Lost(failure) => no_way(&failure),
            Fate::Elsewhere(answer) => not_us(INTERACTIONS, &answer),
            Fate::NoForm | Fate::Unbelieved => Outcome::failure(
                format!("requests to {INTERACTIONS} get here changed"),
                format!("let the proxy treat {INTERACTIONS} as it treats {COMMANDS}"),
            ),
        }
    }
}

fn untried() -> Outcome {
    Outcome::note(
        "there is nothing to try it with",
        "set server.public_url and slack.signing_secrets",
    )
}
