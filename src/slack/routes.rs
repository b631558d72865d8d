//! The paths that Slack calls, and an answer in time on each.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::block_kit::{Mrkdwn, PrivateMessage};
use super::deliver::{Lookup, Place, message};
use super::payload::{Incomplete, Interaction, Pressed, SlashCommand};
use super::signature::{Inbound, SlackRequest, Unverified};
use super::{PLATFORM, Slack, self_test};
use crate::answering::{AskedBefore, PendingReply};
use crate::core::{
    Answer, DedupKey, Intent, Language, LearntLanguage, Person, Question, Reason, Reference,
};
use crate::doctor::Sighting;
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
        Inbound::Signed(request) => match slack.answer_self_test(&request) {
            Some(answer) => return answer,
            None => slack.serve(&request, arrived).await,
        },
    };
    slack.metrics.reply(PLATFORM.name, arrived.elapsed());
    response
}

/// Acknowledges whatever was done to a message. A button that is only a link reports its press
/// too, and shows a warning if nobody takes note; what another one asks for is answered as a message.
async fn interaction(State(slack): State<Arc<Slack>>, inbound: Inbound) -> Response {
    match inbound {
        Inbound::SslCheck => StatusCode::OK.into_response(),
        Inbound::Signed(request) => match slack.answer_self_test(&request) {
            Some(answer) => answer,
            None if slack.is_new_elsewhere(&request).await => {
                slack.take_note(&request).await.into_response()
            }
            None => slack.verifier.refuse_replayed().into_response(),
        },
    }
}

impl Slack {
    /// The answer to a request of our own; none if it is Slack's.
    fn answer_self_test(&self, request: &SlackRequest) -> Option<Response> {
        self_test::answer(request, &self.verifier)
    }

    async fn is_new_elsewhere(&self, request: &SlackRequest) -> bool {
        self.answering.is_new_elsewhere(DedupKey(request.signature())).await
    }

    async fn take_note(&self, request: &SlackRequest) -> StatusCode {
        let interaction = match Interaction::read(request, &self.response_hosts) {
            Ok(interaction) => interaction,
            Err(problem) => {
                tracing::warn!(%problem, "a genuine interaction could not be read");
                return StatusCode::BAD_REQUEST;
            }
        };
        self.answering.sightings().note(Sighting::Pressed);
        for _ in 0..interaction.sign_ins {
            self.metrics.funnel(PLATFORM.name, "clicked");
        }
        match interaction.pressed {
            Some(pressed) => self.take(pressed, DedupKey(request.signature())).await,
            None => StatusCode::OK,
        }
    }

    /// Acknowledges a press once its answer is promised.
    async fn take(&self, pressed: Pressed, key: DedupKey) -> StatusCode {
        let Pressed { person, press, response_url, own_message, locale } = pressed;
        let language = locale.map(|locale| Language::best_for(Some(&locale)));
        let question = Question {
            language: language.map_or_else(LearntLanguage::default, LearntLanguage::from),
            in_place: own_message,
            ..self.question(person, press.intent(), None, key)
        };
        let mut place = Place::new(response_url.as_ref(), question.asked_at);
        if !own_message {
            place = place.beside_original();
        }
        let pending = PendingReply::new(question, Lookup::of_a_press(), place);
        match self.answering.acknowledged(pending).await {
            Ok(()) => StatusCode::OK,
            // Slack shows the presser that it did not work.
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn question(
        &self,
        asker: Person,
        intent: Intent,
        command: Option<String>,
        key: DedupKey,
    ) -> Question {
        Question {
            asker,
            identified: true,
            intent,
            reference: Reference::new(&*self.random),
            command: command.unwrap_or_else(|| self.command.clone()),
            name: None,
            language: LearntLanguage::default(),
            asked_at: self.clock.now(),
            in_place: false,
            dedup_key: Some(key),
        }
    }

    async fn serve(&self, request: &SlackRequest, arrived: Instant) -> Response {
        match SlashCommand::read(request, &self.response_hosts) {
            Ok(command) => {
                self.answering.sightings().note(Sighting::Asked);
                self.answer(command, DedupKey(request.signature()), arrived).await
            }
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
        let question = self.question(person, intent, command, key);
        let place = Place::new(response_url.as_ref(), question.asked_at);
        let pending = PendingReply::new(question, Lookup::default(), place);
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
