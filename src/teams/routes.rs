//! The path that Teams calls, and what each activity is to us.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};

use super::activity::{
    Account, Activity, ConversationKind, ConversationRef, Incomplete, RosterChange,
};
use super::card::PRESS_PREFIX;
use super::deliver::{Lookup, Place};
use super::outgoing::InvokeReply;
use super::token::{Unverified, VerifiedActivity};
use super::{COMMAND, PLATFORM, Teams};
use crate::answering::{PendingReply, record};
use crate::core::{
    Answer, DedupKey, Intent, Language, LearntLanguage, Person, Press, Question, Reason, Reference,
    Workspace,
};
use crate::digest::digest_of;
use crate::doctor::Sighting;
use crate::text::one_line;
use crate::words::message::notice_key;

/// The check behind the route: a handler that holds the value cannot have skipped it.
impl FromRequest<Arc<Teams>> for VerifiedActivity {
    type Rejection = Unverified;

    async fn from_request(request: Request, teams: &Arc<Teams>) -> Result<Self, Unverified> {
        teams.verifier.admit(request).await
    }
}

/// The route, with and without a slash at its end.
pub(super) fn router(teams: Arc<Teams>) -> Router {
    Router::new()
        .route("/api/messages", post(messages))
        .route("/api/messages/", post(messages))
        .with_state(teams)
}

async fn messages(State(teams): State<Arc<Teams>>, activity: VerifiedActivity) -> Response {
    let arrived = Instant::now();
    teams.answering.sightings().note(Sighting::Asked);
    let response = match Activity::read(activity.body()) {
        Ok(activity) => teams.receive(activity).await,
        Err(problem) => {
            teams.note_incomplete(problem);
            StatusCode::BAD_REQUEST.into_response()
        }
    };
    teams.metrics.reply(PLATFORM.name, arrived.elapsed());
    response
}

impl Teams {
    async fn receive(&self, activity: Activity) -> Response {
        match activity {
            Activity::Message { origin, from, text } => {
                self.take(&origin, &from, intent(&text)).await
            }
            Activity::CardSubmit { origin, from, value } => {
                let text = value.get("text").and_then(|text| text.as_str()).unwrap_or_default();
                self.take(&origin, &from, intent(&one_line(text))).await
            }
            Activity::CardAction { origin, from, verb, message, card } => {
                let word = verb.strip_prefix(PRESS_PREFIX);
                match word.and_then(|word| Press::read(word, message.as_deref())) {
                    Some(press) => self.pressed(&origin, &from, press, card).await,
                    None => bad_press("unknown verb"),
                }
            }
            Activity::BrokenAction { problem } => {
                self.note_incomplete(problem);
                bad_press("the activity lacks what an answer needs")
            }
            Activity::OtherInvoke { .. } => StatusCode::NOT_IMPLEMENTED.into_response(),
            Activity::Installed { origin, change } => self.welcome(origin, change).await,
            Activity::Removed { .. } | Activity::Ignored => StatusCode::OK.into_response(),
        }
    }

    /// Counts and logs what is genuine and lacks what an answer needs.
    fn note_incomplete(&self, problem: Incomplete) {
        tracing::warn!(reason = problem.name(), "a verified activity lacks what an answer needs");
        self.metrics.refused(PLATFORM.name, problem.name());
    }

    fn question(&self, origin: &ConversationRef, from: &Account, intent: Intent) -> Question {
        let locale = origin.locale.as_deref();
        let language = locale.map(|locale| Language::best_for(Some(locale)));
        let user = from.object_id.as_ref().unwrap_or(&from.id);
        Question {
            asker: Person {
                platform: PLATFORM.id(),
                workspace: Workspace::standalone(origin.tenant.clone()),
                user: user.clone(),
            },
            identified: from.object_id.is_some(),
            intent,
            reference: Reference::new(&*self.random),
            command: COMMAND.to_owned(),
            name: from.name.clone(),
            language: language.map_or_else(LearntLanguage::default, LearntLanguage::from),
            asked_at: self.clock.now(),
            in_place: false,
            dedup_key: dedup_key(origin, None),
        }
    }

    /// Acknowledges a question once its answer is promised.
    async fn take(&self, origin: &ConversationRef, from: &Account, intent: Intent) -> Response {
        let question = self.question(origin, from, intent);
        let place = Place::of(origin, from);
        self.acknowledge(PendingReply::new(question, Lookup::of(origin, from), place)).await
    }

    async fn acknowledge(&self, pending: PendingReply<super::deliver::TeamsDelivery>) -> Response {
        match self.answering.acknowledged(pending).await {
            Ok(()) => StatusCode::OK,
            // Teams sends it again.
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
        .into_response()
    }

    /// Greets somebody who has installed the bot for themselves, once: Teams tells it twice. Teams
    /// and groups are not greeted, where one person's doing would be everybody's message.
    async fn welcome(&self, origin: ConversationRef, change: RosterChange) -> Response {
        let personal = origin.conversation.kind == ConversationKind::Personal;
        let somebody =
            change.people.into_iter().chain(change.by).find(|one| !one.id.starts_with("28:"));
        let (true, true, false, Some(from)) = (personal, change.bot, change.upgrade, somebody)
        else {
            return StatusCode::OK.into_response();
        };
        let greeted = ConversationRef { activity_id: Some("welcome".to_owned()), ..origin };
        let question = self.question(&greeted, &from, Intent::Welcome);
        let place = Place::of(&greeted, &from).unprompted();
        self.acknowledge(PendingReply::new(question, Lookup::of(&greeted, &from), place)).await
    }

    /// Acknowledges a press with a notice. The answer goes out through the connector, in place of the
    /// pressed card where that is the presser's own: a response would show it to whoever holds a token of
    /// the Bot Connector.
    async fn pressed(
        &self,
        origin: &ConversationRef,
        from: &Account,
        press: Press,
        card: Option<String>,
    ) -> Response {
        let Some(key) = dedup_key(origin, Some(from)) else { return bad_press("no activity id") };
        let question = self.question(origin, from, press.intent());
        let question = Question { dedup_key: Some(key), in_place: true, ..question };
        let language = question.language();
        let place = Place::of(origin, from).in_place_of(card);
        let pending = PendingReply::new(question.clone(), Lookup::of(origin, from), place);
        let notice = if self.answering.acknowledged(pending).await.is_ok() {
            language.say(notice_key(press), &[])
        } else {
            let refused = Answer::Refused(Reason::Busy.into());
            record(&self.metrics, &PLATFORM, &question, &refused);
            language.say(Reason::Busy.code(), &[])
        };
        Json(InvokeReply::notice(&notice)).into_response()
    }
}

/// What a message asks for. One without words (a picture, a file, a bare mention, the value of some
/// card) asks for nothing that is known, and least of all for a link: help is what it gets.
fn intent(text: &str) -> Intent {
    if has_words(text) { Intent::parse(text) } else { Intent::Help }
}

/// Whether there is a letter or a digit outside of tags, such as the one that stands for an attachment.
fn has_words(mut text: &str) -> bool {
    let says = |text: &str| text.chars().any(char::is_alphanumeric);
    while let Some((before, (_, after))) =
        text.split_once('<').and_then(|(before, tag)| Some((before, tag.split_once('>')?)))
    {
        if says(before) {
            return true;
        }
        text = after;
    }
    says(text)
}

/// What a redelivery is recognised by; none where Teams gave the activity no id. A press is one
/// person's alone, so who pressed is part of it.
fn dedup_key(origin: &ConversationRef, from: Option<&Account>) -> Option<DedupKey> {
    let id = origin.activity_id.as_ref()?;
    let parts = [&origin.tenant, &origin.conversation.id, id].into_iter();
    let parts = parts.chain(from.map(|from| &from.id)).map(String::as_str);
    Some(DedupKey(digest_of(parts)))
}

/// The answer to a press that makes no sense.
fn bad_press(why: &str) -> Response {
    Json(InvokeReply::error(400, "BadRequest", why)).into_response()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_without_words_asks_for_help() {
        for text in
            ["", "?", "!", "\u{fffc}", "👍", "<p></p>", "<attachment id=\"1a2b\"></attachment>"]
        {
            assert_eq!(intent(text), Intent::Help, "{text:?}");
        }
        assert_eq!(intent("connect"), Intent::Connect);
        assert_eq!(intent("Status"), Intent::Status);
        for text in ["<p>connect</p>", "a < b", "<3 you", "<at>Grace</at>", "日本"] {
            assert!(matches!(intent(text), Intent::Unknown { .. }), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn only_words_ask_for_a_link(text in "[ <>/?!.,&;👍\u{fffc}]{0,12}") {
            prop_assert!(intent(&text) != Intent::Connect, "{text:?}");
        }
    }
}
