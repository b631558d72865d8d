//! The press of a personal page's button: a fresh link is asked for and followed.

use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::pages::{Guest, Pages};
use super::{LinkPages, TIME_TO_ANSWER};
use crate::answering::record;
use crate::core::{Answer, Intent, LearntLanguage, Question, Reason, Reference, Refusal, SignIn};

impl LinkPages {
    /// Answers somebody who has pressed the button: with the way to the sign-in, or with a page. A press of
    /// which no link came is none.
    pub(super) async fn serve(&self, page: Pages<'_>, guest: &Guest) -> Response {
        match self.links.press(&guest.page).await {
            Ok(true) => {}
            Ok(false) => return page.spent(guest),
            Err(rejected) => return self.turn_away(page, &rejected),
        }
        match self.follow_or_say(page, guest).await {
            Ok(followed) => followed,
            Err(said) => {
                self.links.release(&guest.page).await;
                said
            }
        }
    }

    async fn follow_or_say(&self, page: Pages<'_>, guest: &Guest) -> Result<Response, Response> {
        let invitation = guest.page.invitation();
        let (reference, answer) = self.answer(page, guest).await;
        let refusal = match answer {
            // The page named somebody, and the identity chain has changed its mind since.
            Answer::SignIn(sign_in) if !guest.page.names(&sign_in.invitee) => {
                return Err(page.rejected(&guest.page.outdated()));
            }
            Answer::SignIn(sign_in) => match follow(&sign_in) {
                Some(response) => return Ok(response),
                None => Reason::NovuNonsense.into(),
            },
            Answer::AlreadyConnected(link) => {
                return Err(page.already_connected(invitation, reference, link));
            }
            Answer::Refused(refusal) => refusal,
            // No answer to the question that was asked.
            _ => Reason::Busy.into(),
        };
        Err(page.refused(status(&refusal), invitation, reference, refusal))
    }

    /// Asks the platform's responder for a link, unless this person has asked too often.
    async fn answer(&self, page: Pages<'_>, guest: &Guest) -> (Reference, Answer) {
        let invitation = guest.page.invitation();
        let platform = guest.chat.platform();
        let question = Question {
            asker: invitation.person.clone(),
            identified: true,
            intent: Intent::Connect,
            reference: Reference::new(&*self.random),
            command: invitation.command.clone(),
            name: invitation.name.clone(),
            language: LearntLanguage::from(page.language),
            asked_at: self.links.clock.now(),
            in_place: false,
            dedup_key: None,
        };
        tracing::info!(
            reference = %question.reference,
            invited_as = %invitation.reference,
            age_s = guest.page.age().as_secs(),
            "personal link pressed"
        );
        self.metrics.funnel(platform.name, "clicked");
        let answer = if self.pace.allows(&question.asker) {
            let hint = invitation.hint.as_deref();
            let message = guest.page.is_kept().then_some(invitation.reference);
            let answering = guest.chat.responder.answer(&question, hint, message);
            let in_time = tokio::time::timeout(TIME_TO_ANSWER, answering).await;
            in_time.unwrap_or_else(|_| Answer::Refused(Reason::NovuTimeout.into()))
        } else {
            Answer::Refused(Reason::TooOften.into())
        };
        record(&self.metrics, platform, &question, &answer);
        (question.reference, answer)
    }
}

/// Sends the browser on with a GET.
fn follow(sign_in: &SignIn) -> Option<Response> {
    let mut location = HeaderValue::try_from(sign_in.link.expose()).ok()?;
    location.set_sensitive(true);
    Some((StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response())
}

/// A refusal is an answer. With a status that says "failure", proxies put their own page in place
/// of ours.
fn status(refusal: &Refusal) -> StatusCode {
    match refusal.reason {
        Reason::TooOften => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::OK,
    }
}
