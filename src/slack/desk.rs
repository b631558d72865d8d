//! Where questions from Slack are answered and answers become messages.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::block_kit::{LinkTooLong, Mrkdwn, PrivateMessage};
use super::web_api::{CallError, WebApi};
use crate::core::Language;
use crate::core::{Answer, Ask, Connect, Person, Reason, Reference, SignIn, SignInLink, note};
use crate::links::{Invitation, Links};
use crate::metrics::Metrics;
use crate::page;
use crate::words::message::Voice;

/// Answers questions and puts the answers into Slack's form.
#[derive(Debug)]
pub(super) struct Desk {
    connect: Connect,
    web_api: WebApi,
    links: Option<Arc<Links>>,
    metrics: Arc<Metrics>,
}

impl Desk {
    /// A desk that asks the core, and Slack about its people.
    #[must_use]
    pub(super) fn new(
        connect: Connect,
        web_api: WebApi,
        links: Option<Arc<Links>>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { connect, web_api, links, metrics }
    }

    /// The core behind the desk.
    #[must_use]
    pub(super) fn connect(&self) -> &Connect {
        &self.connect
    }

    /// Answers a question, counts the answer and writes it into the log.
    pub(super) async fn answer(&self, ask: &Ask) -> Answer {
        let answer = Answer::in_time(self.connect.answer(ask, &self.web_api)).await;
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
        let voice = voice(ask.language(), command, ask.reference);
        PrivateMessage::render(&voice.message(answer)).unwrap_or_else(|LinkTooLong| {
            let by_page = self.by_page(ask, command, answer);
            let shorter =
                by_page.and_then(|page| PrivateMessage::render(&voice.message(&page)).ok());
            shorter.unwrap_or_else(|| {
                let refused = Answer::Refused(Reason::LinkTooLong.into());
                self.note(ask, &refused);
                PrivateMessage::without_button(&voice.message(&refused))
            })
        })
    }

    /// A refusal in Slack's form for somebody of whom nothing is known, not even their language.
    #[must_use]
    pub(super) fn refusal(reason: Reason, reference: Reference, command: &str) -> PrivateMessage {
        let refused = Answer::Refused(reason.into());
        let voice = voice(Language::default(), command, reference);
        PrivateMessage::without_button(&voice.message(&refused))
    }

    /// The same by a personal page, for a link that is too long for a button.
    fn by_page(&self, ask: &Ask, command: &str, answer: &Answer) -> Option<Answer> {
        let (Some(links), Answer::SignIn(SignIn { invitee, .. })) = (&self.links, answer) else {
            return None;
        };
        let url = links.url_for(&Invitation {
            person: ask.person.clone(),
            name: invitee.chat_name.clone(),
            workspace: None,
            subscriber: Some(invitee.subscriber.as_str().to_owned()),
            subscriber_name: invitee.subscriber_name.clone(),
            command: command.to_owned(),
            reference: ask.reference,
            hint: None,
        });
        let link = SignInLink::to_personal_page(url);
        Some(Answer::SignIn(SignIn { link, expires_at: None, invitee: invitee.clone() }))
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

fn voice(language: Language, command: &str, reference: Reference) -> Voice<'_> {
    Voice { language, command, reference, markup: &Mrkdwn }
}

impl page::Desk for Desk {
    fn answer<'a>(&'a self, ask: &'a Ask, _hint: Option<&'a str>) -> BoxFuture<'a, Answer> {
        Self::answer(self, ask).boxed()
    }
}
