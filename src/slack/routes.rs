//! The paths that Slack calls, and an answer in time on each.

use std::future::ready;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use super::Slack;
use super::block_kit::{PrivateMessage, SIGN_IN_ACTION};
use super::desk::Desk;
use super::late::Promise;
use super::payload::{Incomplete, Interaction, SlashCommand};
use super::signature::{Inbound, SlackRequest, Unverified};
use crate::core::{Answer, Ask, Intent, Reason, Refusal};
use crate::random::reference;

/// The check behind every route: a handler that holds the value cannot have skipped it.
impl FromRequest<Arc<Slack>> for Inbound {
    type Rejection = Unverified;

    async fn from_request(request: Request, slack: &Arc<Slack>) -> Result<Self, Unverified> {
        slack.verifier.admit(request).await
    }
}

/// The routes. Each answers with and without a slash at its end, because Slack does not follow a
/// redirect and people type one.
pub fn router(slack: Arc<Slack>) -> Router {
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
    slack.metrics.reply("slack", arrived.elapsed());
    response
}

/// Acknowledges whatever was done to a message. A button that is only a link reports its press
/// too, and shows a warning if nobody takes note.
async fn interaction(State(slack): State<Arc<Slack>>, inbound: Inbound) -> StatusCode {
    let Inbound::Signed(request) = inbound else { return StatusCode::OK };
    match Interaction::read(&request) {
        Ok(interaction) => {
            for _ in interaction.actions.iter().filter(|action| *action == SIGN_IN_ACTION) {
                slack.metrics.funnel("slack", "clicked");
            }
            StatusCode::OK
        }
        Err(problem) => {
            tracing::warn!(%problem, "a genuine interaction could not be read");
            StatusCode::BAD_REQUEST
        }
    }
}

impl Slack {
    async fn serve(self: &Arc<Self>, request: &SlackRequest, arrived: Instant) -> Response {
        match SlashCommand::read(request, &self.response_hosts) {
            Ok(command) => self.answer(command, arrived).await,
            Err(problem) => self.cannot_be_served(problem),
        }
    }

    /// Nothing says who asks, so there is no question to answer; but there is somebody to tell.
    fn cannot_be_served(&self, problem: Incomplete) -> Response {
        let reference = reference(&*self.random);
        tracing::warn!(%reference, %problem, code = Reason::Incomplete.code(), "not served");
        self.metrics.answered("slack", "none", Reason::Incomplete.code());
        ephemeral(&Desk::refusal(Reason::Incomplete, reference, &self.command))
    }

    async fn answer(self: &Arc<Self>, command: SlashCommand, arrived: Instant) -> Response {
        let SlashCommand { person, intent, command, response_url } = command;
        let command = command.unwrap_or_else(|| self.command.clone());
        if intent == Intent::Connect {
            self.metrics.funnel("slack", "asked");
        }
        let ask = Ask::new(person, intent, reference(&*self.random));
        if !self.pace.allows(&ask.person) {
            return self.refuse(&ask, &command, Reason::TooOften);
        }
        let promise = Promise::new(&ask, command.clone(), response_url.as_ref(), self.clock.now());
        let (reply, replied) = oneshot::channel();
        let deadline = arrived + self.reply_budget;
        // Apart from the request, which ends when Slack hangs up. The person still waits then.
        let work = Arc::clone(self).work_out(ask.clone(), promise, deadline, reply);
        self.tasks.spawn(work);
        match replied.await {
            Ok(answer) => ephemeral(&self.desk.message(&ask, &command, &answer)),
            Err(_) => self.refuse(&ask, &command, Reason::Busy),
        }
    }

    /// Works the answer out for the HTTP response; what is not ready by the deadline is promised.
    async fn work_out(
        self: Arc<Self>,
        ask: Ask,
        promise: Promise,
        deadline: Instant,
        reply: oneshot::Sender<Answer>,
    ) {
        // Nobody hears a reply after Slack has hung up. What is promised is kept all the same.
        let mut answering = pin!(self.desk.answer(&ask));
        let Ok(answer) = timeout_at(deadline.into(), &mut answering).await else {
            let say = |answer| drop(reply.send(answer));
            return self.promise(&ask, promise, answering, say).await;
        };
        if let Some(Refusal { retry_after: Some(pause), .. }) = answer.passing()
            && self.late.promise_later(&promise, *pause).await.is_ok()
        {
            drop(reply.send(Answer::Working));
            return;
        }
        if let Err(answer) = reply.send(answer) {
            self.promise(&ask, promise, ready(answer), drop).await;
        }
    }

    /// Stores the promise, then makes it, then keeps it.
    async fn promise(
        &self,
        ask: &Ask,
        promise: Promise,
        answering: impl Future<Output = Answer>,
        say: impl FnOnce(Answer),
    ) {
        match self.late.promise(&promise).await {
            Ok(job) => {
                say(Answer::Working);
                self.late.keep(job, promise, ask, answering).await;
            }
            Err(error) => {
                tracing::error!(%error, reference = %ask.reference, "nothing can be promised");
                let refused = Answer::Refused(Reason::Busy.into());
                self.desk.note(ask, &refused);
                say(refused);
            }
        }
    }

    fn refuse(&self, ask: &Ask, command: &str, reason: Reason) -> Response {
        let refused = Answer::Refused(reason.into());
        self.desk.note(ask, &refused);
        ephemeral(&self.desk.message(ask, command, &refused))
    }
}

fn ephemeral(message: &PrivateMessage) -> Response {
    match serde_json::to_vec(&message.as_response()) {
        Ok(body) => ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response(),
        // Unreachable for a struct of strings; an empty acknowledgement is still in time.
        Err(_) => StatusCode::OK.into_response(),
    }
}
