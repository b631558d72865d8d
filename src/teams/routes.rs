//! The path that Teams calls, and what each activity is to us.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::Teams;
use super::activity::{Account, Activity, ConversationKind, Origin, RosterChange};
use super::card::NEW_LINK;
use super::connector::Patience;
use super::inquiry::Inquiry;
use super::outgoing::InvokeReply;
use super::token::{Unverified, VerifiedActivity};
use crate::connect::{Answer, Ask, Intent, Reason};
use crate::random::reference;
use crate::store::within_lease;

/// How long the response to a pressed button may wait for its card: people see an error after some
/// ten seconds, and feel every one of them.
const INVOKE_BUDGET: Duration = Duration::from_millis(1200);

/// There is no room for another promise.
struct NotPromised;

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
        Ok(activity) => teams.receive(activity).await,
        Err(problem) => {
            tracing::warn!(reason = problem.name(), "a genuine activity cannot be served");
            teams.metrics.refused("teams", problem.name());
            StatusCode::BAD_REQUEST.into_response()
        }
    };
    teams.metrics.reply("teams", arrived.elapsed());
    response
}

impl Teams {
    async fn receive(self: &Arc<Self>, activity: Activity) -> Response {
        match activity {
            Activity::Message { origin, from, text } => {
                self.take(self.inquiry(origin, from, Intent::parse(&text))).await
            }
            Activity::CardSubmit { origin, from, value } => {
                let text = value.get("text").and_then(|text| text.as_str()).unwrap_or_default();
                self.take(self.inquiry(origin, from, Intent::parse(text))).await
            }
            Activity::CardAction { origin, from, verb, .. } if verb == NEW_LINK => {
                self.renew(self.inquiry(origin, from, Intent::Connect)).await
            }
            Activity::CardAction { .. } => {
                Json(InvokeReply::error(400, "BadRequest", "unknown verb")).into_response()
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

    /// Acknowledges a question once its answer is promised.
    async fn take(self: &Arc<Self>, inquiry: Inquiry) -> Response {
        match self.promise(inquiry).await {
            Ok(()) => StatusCode::OK,
            // Teams sends it again.
            Err(NotPromised) => StatusCode::SERVICE_UNAVAILABLE,
        }
        .into_response()
    }

    /// Promises an answer, which follows. A redelivery has its promise already.
    async fn promise(self: &Arc<Self>, inquiry: Inquiry) -> Result<(), NotPromised> {
        let (stored, promised) = oneshot::channel();
        // Apart from the request, which ends when Teams hangs up: once stored, a promise is kept.
        let work = Arc::clone(self).store_and_keep(inquiry, stored);
        self.tasks.spawn(within_lease(work));
        promised.await.map_err(|_| NotPromised)
    }

    async fn store_and_keep(self: Arc<Self>, inquiry: Inquiry, stored: oneshot::Sender<()>) {
        let queue = self.deliveries.queue();
        // Stored before it is looked for among the known ones: what cannot be stored is sent again,
        // and must not be taken for a redelivery then.
        let job = match queue.begin(inquiry.sealed()).await {
            Ok(job) => job,
            Err(error) => return tracing::error!(%error, "nothing can be promised"),
        };
        let is_new = self.is_new(&inquiry);
        // Unheard if Teams has hung up; it then sends the activity again.
        let _ = stored.send(());
        if !is_new {
            return queue.finish(&job, "duplicate").await;
        }
        self.count(&inquiry);
        self.deliveries.attempt(job, inquiry).await;
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
    async fn renew(self: &Arc<Self>, mut inquiry: Inquiry) -> Response {
        let stranger = inquiry.ask(inquiry.stranger());
        let answering = self.deliveries.answer(&mut inquiry, Patience::Brief);
        if let Ok((ask, answer)) = tokio::time::timeout(INVOKE_BUDGET, answering).await
            && answer.passing().is_none()
        {
            self.count(&inquiry);
            return self.shown(&ask, &answer);
        }
        let answer = match self.promise(inquiry).await {
            Ok(()) => Answer::Working,
            Err(NotPromised) => Answer::Refused(Reason::Busy.into()),
        };
        self.shown(&stranger, &answer)
    }

    fn shown(&self, ask: &Ask, answer: &Answer) -> Response {
        Json(InvokeReply::card(&self.desk.card(ask, answer))).into_response()
    }

    /// Whether an activity has not been here before.
    fn is_new(&self, inquiry: &Inquiry) -> bool {
        let origin = &inquiry.origin;
        let Some(id) = &origin.activity_id else { return true };
        let mut hash = Sha256::new();
        for part in [&origin.tenant, &origin.conversation.id, id] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let now = self.clock.now();
        self.seen.first_time(&hash.finalize().into(), now, now)
    }
}
