//! Where questions from Slack are answered and answers become messages.

use std::sync::Arc;

use super::block_kit::{LinkTooLong, Mrkdwn, PrivateMessage};
use super::web_api::{CallError, WebApi};
use crate::connect::message::Voice;
use crate::connect::{Answer, Ask, Connect, Person, Reason, note};
use crate::metrics::Metrics;

/// Answers questions and puts the answers into Slack's form.
#[derive(Debug)]
pub(super) struct Desk {
    connect: Connect,
    web_api: WebApi,
    metrics: Arc<Metrics>,
}

impl Desk {
    /// A desk that asks the core, and Slack about its people.
    #[must_use]
    pub(super) fn new(connect: Connect, web_api: WebApi, metrics: Arc<Metrics>) -> Self {
        Self { connect, web_api, metrics }
    }

    /// The core behind the desk.
    #[must_use]
    pub(super) fn connect(&self) -> &Connect {
        &self.connect
    }

    /// Answers a question, counts the answer and writes it into the log.
    pub(super) async fn answer(&self, ask: &Ask) -> Answer {
        let answer = self.connect.answer(ask, &self.web_api).await;
        self.note(ask, &answer);
        answer
    }

    /// Counts an answer that was not made here, and writes it into the log.
    pub(super) fn note(&self, ask: &Ask, answer: &Answer) {
        note(&self.metrics, ask, answer);
    }

    /// Puts an answer into Slack's form. `command` is what the person typed to ask.
    #[must_use]
    pub(super) fn message(&self, ask: &Ask, command: &str, answer: &Answer) -> PrivateMessage {
        let voice =
            Voice { language: ask.language(), command, reference: ask.reference, markup: &Mrkdwn };
        PrivateMessage::render(&voice.message(answer)).unwrap_or_else(|LinkTooLong| {
            let refused = Answer::Refused(Reason::LinkTooLong.into());
            self.note(ask, &refused);
            PrivateMessage::without_button(&voice.message(&refused))
        })
    }

    /// Sends a message into the direct conversation with a person.
    ///
    /// # Errors
    /// Slack did not take it, or there is no token to send it with.
    pub(super) async fn direct_message(
        &self,
        person: &Person,
        message: &PrivateMessage,
    ) -> Result<(), CallError> {
        let token = self
            .connect
            .bot_token(person)
            .await
            .ok_or_else(|| CallError::Said("no_token".to_owned()))?;
        self.web_api.post_direct_message(&token, &person.user, message).await
    }
}
