//! The path that Teams calls, and what each activity is to us.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use super::Teams;
use super::activity::{Account, Activity, ConversationKind, Incomplete, Origin, RosterChange};
use super::card::NEW_LINK;
use super::connector::Patience;
use super::delivery::Answered;
use super::inquiry::{Inquiry, Key};
use super::outgoing::InvokeReply;
use super::presses::Press;
use super::token::{Unverified, VerifiedActivity};
use crate::core::{Answer, Ask, Intent, Reason};
use crate::random::reference;
use crate::store::Job;

/// The check behind the route: a handler that holds the value cannot have skipped it.
impl FromRequest<Arc<Teams>> for VerifiedActivity {
    type Rejection = Unverified;

    async fn from_request(request: Request, teams: &Arc<Teams>) -> Result<Self, Unverified> {
        teams.verifier.admit(request).await
    }
}

/// The route, with and without a slash at its end.
pub fn router(teams: Arc<Teams>) -> Router {
    Router::new()
        .route("/api/messages", post(messages))
        .route("/api/messages/", post(messages))
        .with_state(teams)
}

async fn messages(State(teams): State<Arc<Teams>>, activity: VerifiedActivity) -> Response {
    let arrived = Instant::now();
    let response = match Activity::read(activity.body()) {
        Ok(activity) => teams.receive(activity, arrived).await,
        Err(problem) => {
            teams.note_incomplete(problem);
            StatusCode::BAD_REQUEST.into_response()
        }
    };
    teams.metrics.reply("teams", arrived.elapsed());
    response
}

impl Teams {
    async fn receive(self: &Arc<Self>, activity: Activity, arrived: Instant) -> Response {
        match activity {
            Activity::Message { origin, from, text } => {
                self.take(self.inquiry(origin, from, Intent::parse(&text))).await
            }
            Activity::CardSubmit { origin, from, value } => {
                let text = value.get("text").and_then(|text| text.as_str()).unwrap_or_default();
                self.take(self.inquiry(origin, from, Intent::parse(text))).await
            }
            Activity::CardAction { origin, from, verb, .. } if verb == NEW_LINK => {
                self.renew(self.inquiry(origin, from, Intent::Connect), arrived).await
            }
            Activity::CardAction { .. } => bad_press("unknown verb"),
            Activity::BrokenAction { problem } => {
                self.note_incomplete(problem);
                bad_press("the activity lacks what an answer needs")
            }
            Activity::OtherInvoke { .. } => StatusCode::NOT_IMPLEMENTED.into_response(),
            Activity::Installed { origin, change } => self.welcome(origin, change).await,
            Activity::Removed { .. } | Activity::Ignored => StatusCode::OK.into_response(),
        }
    }

    fn inquiry(&self, origin: Origin, from: Account, intent: Intent) -> Inquiry {
        let reference = reference(&*self.random);
        Inquiry { origin, from, intent, reference, welcome: false, too_often: None }
    }

    /// Counts and logs what is genuine and lacks what an answer needs.
    fn note_incomplete(&self, problem: Incomplete) {
        tracing::warn!(reason = problem.name(), "a genuine activity cannot be served");
        self.metrics.refused("teams", problem.name());
    }

    /// Acknowledges a question once its answer is promised. A redelivery has its promise already.
    async fn take(self: &Arc<Self>, inquiry: Inquiry) -> Response {
        let (stored, promised) = oneshot::channel();
        // Apart from the request, which ends when Teams hangs up: once stored, a promise is kept.
        self.tasks.spawn(Arc::clone(self).store_and_keep(inquiry, stored));
        match promised.await {
            Ok(()) => StatusCode::OK,
            // Teams sends it again.
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
        .into_response()
    }

    async fn store_and_keep(self: Arc<Self>, inquiry: Inquiry, stored: oneshot::Sender<()>) {
        let Some(job) = self.store(&inquiry).await else { return };
        let is_new = inquiry.key().is_none_or(|key| self.mark(key));
        // Unheard if Teams has hung up; it then sends the activity again.
        let _ = stored.send(());
        if is_new {
            self.count(&inquiry);
            self.deliveries.attempt(job, inquiry).await;
        } else {
            self.deliveries.queue().finish(&job, "duplicate").await;
        }
    }

    /// Stores a promise. This comes before anything is marked as known: what cannot be stored is sent
    /// again, and must not be taken for a redelivery then.
    async fn store(&self, inquiry: &Inquiry) -> Option<Job> {
        let job = self.deliveries.queue().begin(inquiry.sealed()).await;
        job.inspect_err(|error| tracing::error!(%error, "nothing can be promised")).ok()
    }

    /// Counts somebody who wants to connect.
    fn count(&self, inquiry: &Inquiry) {
        if inquiry.intent == Intent::Connect && !inquiry.welcome {
            self.metrics.funnel("teams", "asked");
        }
    }

    /// Greets somebody who has installed the bot for themselves, once: Teams tells it twice. Teams
    /// and groups are not greeted, where one person's doing would be everybody's message.
    async fn welcome(self: &Arc<Self>, mut origin: Origin, change: RosterChange) -> Response {
        let personal = origin.conversation.kind == ConversationKind::Personal;
        let somebody =
            change.people.into_iter().chain(change.by).find(|one| !one.id.starts_with("28:"));
        let (true, true, false, Some(from)) = (personal, change.bot, change.upgrade, somebody)
        else {
            return StatusCode::OK.into_response();
        };
        origin.activity_id = Some("welcome".to_owned());
        let inquiry = self.inquiry(origin, from, Intent::Help);
        self.take(Inquiry { welcome: true, ..inquiry }).await
    }

    /// Answers a press of the button for a fresh link, for the one who pressed it. If that takes
    /// long, the card follows as a message.
    async fn renew(self: &Arc<Self>, inquiry: Inquiry, arrived: Instant) -> Response {
        let stranger = inquiry.ask(inquiry.stranger());
        let Some(key) = inquiry.press() else { return bad_press("no activity id") };
        let (reply, press) = self.presses.join(key);
        if let Some(press) = press {
            let deadline = arrived + self.reply_budget;
            // Apart from the request, as above.
            self.tasks.spawn(Arc::clone(self).work_out(inquiry, deadline, key, press));
        }
        match reply.await {
            Ok((ask, answer)) => self.shown(&ask, &answer),
            Err(_) => self.shown(&stranger, &self.busy(&stranger)),
        }
    }

    /// Works the answer to a press out for the HTTP response; what is not ready by the deadline is
    /// promised, and follows.
    async fn work_out(
        self: Arc<Self>,
        inquiry: Inquiry,
        deadline: Instant,
        key: Key,
        mut press: Press,
    ) {
        let stranger = inquiry.ask(inquiry.stranger());
        if self.seen.knows(&key.0) {
            // Pressed before, and promised.
            return press.reply(&stranger, &Answer::Working);
        }
        let mut answering = pin!(self.deliveries.answer(inquiry.clone(), Patience::Brief));
        let in_time = timeout_at(deadline.into(), &mut answering).await.ok();
        if let Some(Answered { ask, answer, .. }) = &in_time
            && answer.passing().is_none()
        {
            self.count(&inquiry);
            return press.reply(ask, answer);
        }
        let Some(job) = self.store(&inquiry).await else {
            return press.reply(&stranger, &self.busy(&stranger));
        };
        // For when it comes again once this is over.
        self.mark(key);
        self.count(&inquiry);
        press.reply(&stranger, &Answer::Working);
        let answered = match in_time {
            Some(answered) => answered,
            None => answering.await,
        };
        self.deliveries.bring(&job, answered).await;
    }

    fn shown(&self, ask: &Ask, answer: &Answer) -> Response {
        Json(InvokeReply::card(&self.desk.card(ask, answer))).into_response()
    }

    /// Refuses for want of room for another promise; counted and logged.
    fn busy(&self, ask: &Ask) -> Answer {
        let refused = Answer::Refused(Reason::Busy.into());
        self.desk.note(ask, &refused);
        refused
    }

    /// Takes note that an activity was here; whether it is the first time.
    fn mark(&self, Key(hash): Key) -> bool {
        let now = self.clock.now();
        self.seen.first_time(&hash, now, now)
    }
}

/// The answer to a press that makes no sense.
fn bad_press(why: &str) -> Response {
    Json(InvokeReply::error(400, "BadRequest", why)).into_response()
}
