//! The paths that Slack calls, and an answer in time on each.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::block_kit::{Mrkdwn, PrivateMessage, SIGN_IN_ACTION};
use super::deliver::{Place, message};
use super::payload::{Incomplete, Interaction, SlashCommand};
use super::signature::{Inbound, SlackRequest, Unverified};
use super::{PLATFORM, Slack};
use crate::answering::{AskedBefore, PendingReply};
use crate::core::{Answer, DedupKey, Language, LearntLanguage, Question, Reason, Reference};
use crate::words::message::Voice;

/// The intent of a request that has none, in the words of metrics.
pub(super) const NO_INTENT: &str = "none";

/// The check behind every route: a handler that holds the value cannot have skipped it.
impl FromRequest<Arc<Slack>> for Inbound {
    type Rejection = Unverified;

    async fn from_request(request: Request, slack: &Arc<Slack>) -> Result<Self, Unverified> {
        slack.verifier.admit(request).await
    }
}

/// The routes. Each answers with and without a slash at its end, because Slack does not follow a
/// redirect and people type one.
pub(super) fn router(slack: Arc<Slack>) -> Router {
    Router::new()
        .route("/slack/commands", post(command))
        .route("/slack/commands/", post(command))
        .route("/slack/interactions", post(interaction))
        .route("/slack/interactions/", post(interaction))
        .with_state(slack)
}

async fn command(State(slack): State<Arc<Slack>>, inbound: Inbound) -> Response {
    let arrived = Instant::now();
    let response = match inbound {
        Inbound::SslCheck => StatusCode::OK.into_response(),
        Inbound::Signed(request) => slack.serve(&request, arrived).await,
    };
    slack.metrics.reply(PLATFORM.name, arrived.elapsed());
    response
}

/// Acknowledges whatever was done to a message. A button that is only a link reports its press
/// too, and shows a warning if nobody takes note.
async fn interaction(State(slack): State<Arc<Slack>>, inbound: Inbound) -> Response {
    match inbound {
        Inbound::SslCheck => StatusCode::OK.into_response(),
        Inbound::Signed(request) if !slack.is_new_elsewhere(&request).await => {
            slack.verifier.refuse_replayed().into_response()
        }
        Inbound::Signed(request) => slack.take_note(&request).into_response(),
    }
}

impl Slack {
    async fn is_new_elsewhere(&self, request: &SlackRequest) -> bool {
        self.answering.is_new_elsewhere(DedupKey(request.signature())).await
    }

    fn take_note(&self, request: &SlackRequest) -> StatusCode {
        match Interaction::read(request) {
            Ok(interaction) => {
                for _ in interaction.actions.iter().filter(|action| *action == SIGN_IN_ACTION) {
                    self.metrics.funnel(PLATFORM.name, "clicked");
                }
                StatusCode::OK
            }
            Err(problem) => {
                tracing::warn!(%problem, "a genuine interaction could not be read");
                StatusCode::BAD_REQUEST
            }
        }
    }

    async fn serve(&self, request: &SlackRequest, arrived: Instant) -> Response {
        match SlashCommand::read(request, &self.response_hosts) {
            Ok(command) => self.answer(command, DedupKey(request.signature()), arrived).await,
            Err(problem) => self.cannot_be_served(problem),
        }
    }

    /// Nothing says who asks, so there is no question to answer; but there is somebody to tell.
    fn cannot_be_served(&self, problem: Incomplete) -> Response {
        let reference = Reference::new(&*self.random);
        let code = Reason::Incomplete.code();
        tracing::warn!(%reference, %problem, code, "not served");
        self.metrics.answered(PLATFORM.name, NO_INTENT, code);
        let language = Language::default();
        let voice = Voice { language, command: &self.command, reference, markup: &Mrkdwn };
        let refused = Answer::Refused(Reason::Incomplete.into());
        ephemeral(&PrivateMessage::render(&voice.message(&refused)))
    }

    async fn answer(&self, command: SlashCommand, key: DedupKey, arrived: Instant) -> Response {
        let SlashCommand { person, intent, command, response_url } = command;
        let now = self.clock.now();
        let question = Question {
            asker: person,
            identified: true,
            intent,
            reference: Reference::new(&*self.random),
            command: command.unwrap_or_else(|| self.command.clone()),
            name: None,
            language: LearntLanguage::default(),
            asked_at: now,
            in_place: false,
            dedup_key: Some(key),
        };
        let place = Place::new(response_url.as_ref(), now);
        let pending = PendingReply::new(question, (), place);
        let deadline = arrived + self.reply_budget;
        match self.answering.within(deadline, pending).await {
            Ok((question, answer)) => ephemeral(&message(&question, &answer)),
            Err(AskedBefore) => self.verifier.refuse_replayed().into_response(),
        }
    }
}

fn ephemeral(message: &PrivateMessage) -> Response {
    match serde_json::to_vec(&message.as_response()) {
        Ok(body) => ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response(),
        // Unreachable for a struct of strings; an empty acknowledgement is still in time.
        Err(_) => StatusCode::OK.into_response(),
    }
}
