//! The paths that Slack calls, and an answer in time on each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::sync::oneshot;

use super::Slack;
use super::block_kit::{PrivateMessage, SIGN_IN_ACTION};
use super::desk::Desk;
use super::late::Promise;
use super::payload::{Incomplete, Interaction, SlashCommand};
use super::signature::{Inbound, SlackRequest, Unverified};
use crate::connect::{Answer, Ask, Intent, Reason};
use crate::outbound::SecretUrl;
use crate::random::reference;
use crate::store::Job;

/// The longest time that Novu can ask us to wait and still be waited for: the person then gets the
/// link without asking again. Beyond it they are told to.
const WORTH_A_PROMISE: Duration = Duration::from_secs(30);

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

/// Where the task that answers leaves its answer, for the HTTP response. Nobody takes it any more
/// once the response has gone out without it.
type AnswerSender = oneshot::Sender<Answer>;
/// Where that task is left the job of the promise that was made in place of its answer.
type JobSender = oneshot::Sender<Job>;

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
        let (answer_sender, mut answer_receiver) = oneshot::channel();
        let (job_sender, job_receiver) = oneshot::channel();
        let promise = Promise::new(&ask, command.clone(), response_url.as_ref(), self.clock.now());
        let work = Arc::clone(self).work_out(ask.clone(), promise, answer_sender, job_receiver);
        self.tasks.spawn(work);

        let left = self.reply_budget.saturating_sub(arrived.elapsed());
        let in_time = tokio::time::timeout(left, &mut answer_receiver).await;
        let answer = in_time.ok().and_then(Result::ok).or_else(|| {
            // The answer may have come between the bell and this line.
            answer_receiver.close();
            answer_receiver.try_recv().ok()
        });
        match answer {
            Some(answer) => self.in_time(&ask, &command, response_url.as_ref(), &answer).await,
            None => self.too_late(&ask, &command, response_url.as_ref(), job_sender).await,
        }
    }

    /// Works the answer out, and delivers it late if nobody waits for it any more.
    async fn work_out(
        self: Arc<Self>,
        ask: Ask,
        promise: Promise,
        answer_sender: AnswerSender,
        job_receiver: oneshot::Receiver<Job>,
    ) {
        let answer = self.desk.answer(&ask).await;
        let Err(answer) = answer_sender.send(answer) else { return };
        // Without a job nothing was promised, because Slack hung up first; the person still waits.
        let job = match job_receiver.await {
            Ok(job) => Ok(job),
            Err(_) => self.late.promise(&promise).await,
        };
        match job {
            Ok(job) => self.late.keep(job, promise, &ask, answer).await,
            Err(error) => tracing::warn!(%error, reference = %ask.reference, "answer dropped"),
        }
    }

    async fn in_time(
        &self,
        ask: &Ask,
        command: &str,
        response_url: Option<&SecretUrl>,
        answer: &Answer,
    ) -> Response {
        if let Some(pause) = asks_for_patience(answer) {
            let promise = Promise::new(ask, command.to_owned(), response_url, self.clock.now());
            if self.late.promise_later(&promise, pause).await.is_ok() {
                return ephemeral(&self.desk.message(ask, command, &Answer::Working));
            }
        }
        ephemeral(&self.desk.message(ask, command, answer))
    }

    /// Stores the promise, then makes it.
    async fn too_late(
        &self,
        ask: &Ask,
        command: &str,
        response_url: Option<&SecretUrl>,
        job_sender: JobSender,
    ) -> Response {
        let promise = Promise::new(ask, command.to_owned(), response_url, self.clock.now());
        match self.late.promise(&promise).await {
            Ok(job) => {
                // Fails only if the task died; the lease then runs out and a worker takes over.
                let _ = job_sender.send(job);
                ephemeral(&self.desk.message(ask, command, &Answer::Working))
            }
            Err(error) => {
                tracing::error!(%error, reference = %ask.reference, "nothing can be promised");
                self.refuse(ask, command, Reason::Busy)
            }
        }
    }

    fn refuse(&self, ask: &Ask, command: &str, reason: Reason) -> Response {
        let refused = Answer::Refused(reason.into());
        self.desk.note(ask, &refused);
        ephemeral(&self.desk.message(ask, command, &refused))
    }
}

/// How long Novu asks to wait, if that is short enough to wait for it in the person's stead.
fn asks_for_patience(answer: &Answer) -> Option<Duration> {
    let Answer::Refused(refusal) = answer else { return None };
    refusal.retry_after.filter(|pause| *pause <= WORTH_A_PROMISE)
}

fn ephemeral(message: &PrivateMessage) -> Response {
    match serde_json::to_vec(&message.as_response()) {
        Ok(body) => ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response(),
        // Unreachable for a struct of strings; an empty acknowledgement is still in time.
        Err(_) => StatusCode::OK.into_response(),
    }
}
