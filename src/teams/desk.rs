//! Where questions from Teams are answered and answers become cards.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::card::{LinkTooLong, PrivateCard, Wording};
use super::connector::{CallError, Connector, Found, Patience, Roster, Sought};
use super::inquiry::{Hint, Inquiry};
use crate::core::{
    Answer, Ask, Connect, Directory, DirectoryError, Intent, Invitee, Person, Platform, Profile,
    Reason, Refusal, SignIn, SignInLink, Workspace, note,
};
use crate::links::{Invitation, Links};
use crate::metrics::Metrics;
use crate::page;

/// What comes before the words that people type: nothing, for they write to the bot itself.
const COMMAND: &str = "";

/// Answers questions and puts the answers on cards.
#[derive(Debug)]
pub(super) struct Desk {
    connect: Connect,
    connector: Arc<Connector>,
    links: Option<Arc<Links>>,
    metrics: Arc<Metrics>,
}

impl Desk {
    pub(super) fn new(
        connect: Connect,
        connector: Arc<Connector>,
        links: Option<Arc<Links>>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { connect, connector, links, metrics }
    }

    /// The core behind the desk.
    pub(super) fn connect(&self) -> &Connect {
        &self.connect
    }

    /// The person who asks. An account without an Entra object id is looked up among the members.
    ///
    /// # Errors
    /// Nobody with an Entra account: an anonymous guest of a meeting, say.
    pub(super) async fn person(
        &self,
        inquiry: &Inquiry,
        patience: Patience,
    ) -> Result<Person, Refusal> {
        let Inquiry { origin, from, .. } = inquiry;
        if let Some(person) = origin.person(from) {
            return Ok(person);
        }
        let site = self.connector.admit(&origin.service_url, &origin.tenant);
        let site = site.map_err(|_| Reason::Incomplete)?;
        match self.connector.seek(&site, &inquiry.sought(patience)).await {
            Ok(Found { member, .. }) => {
                let same = |tenant: &String| tenant.eq_ignore_ascii_case(&origin.tenant);
                let user = member.aad_object_id.filter(|_| member.tenant.as_ref().is_none_or(same));
                let user = user.ok_or(Reason::External)?.to_ascii_lowercase();
                let workspace = Workspace::standalone(origin.tenant.clone());
                Ok(Person { platform: Platform::Teams, workspace, user })
            }
            Err(CallError::NotFound | CallError::Refused { .. }) => Err(Reason::External.into()),
            Err(error) => Err(DirectoryError::from(error).into()),
        }
    }

    /// Answers a question, counts the answer and writes it into the log.
    ///
    /// A card outlives a link, so where there are personal pages the button opens one of them, and
    /// nothing is minted before it is pressed.
    pub(super) async fn answer(&self, ask: &Ask, inquiry: &Inquiry, patience: Patience) -> Answer {
        let origin = &inquiry.origin;
        let members = self.members(ask, &origin.service_url, inquiry.sought(patience));
        let answering = async {
            match (&self.links, &ask.intent) {
                (Some(links), Intent::Connect) => self.invite(ask, inquiry, links, &members).await,
                _ => self.connect.answer(ask, &members).await,
            }
        };
        let answer = Answer::in_time(answering).await;
        note(&self.metrics, ask, &answer);
        answer
    }

    async fn invite(
        &self,
        ask: &Ask,
        inquiry: &Inquiry,
        links: &Links,
        members: &Members<'_>,
    ) -> Answer {
        match self.connect.invite(ask, members).await {
            Ok(invitee) => {
                // Nobody is invited who was not found.
                let hint = Hint::of(inquiry, members.found().unwrap_or_default());
                let url = links.url_for(&invitation(ask, inquiry, &invitee, &hint));
                let link = SignInLink::to_personal_page(url);
                Answer::SignIn(SignIn { link, expires_at: None, invitee })
            }
            Err(answer) => answer,
        }
    }

    async fn answer_at(&self, ask: &Ask, hint: &Hint) -> Answer {
        let members = self.members(ask, &hint.service_url, hint.sought());
        self.connect.answer(ask, &members).await
    }

    /// The one who asked, as the core looks them up.
    fn members<'a>(&'a self, ask: &Ask, service_url: &str, sought: Sought<'a>) -> Members<'a> {
        let site = self.connector.admit(service_url, &ask.person.workspace.id);
        Members(site.ok().map(|site| Roster::new(&self.connector, site, sought)))
    }

    /// Puts an answer on a card. Without personal pages it offers a fresh link beside the minted one,
    /// because the card will outlive it.
    pub(super) fn card(&self, ask: &Ask, answer: &Answer) -> PrivateCard {
        let language = ask.language();
        let wording = Wording { language, command: COMMAND, reference: ask.reference };
        match PrivateCard::render(answer, wording) {
            Ok(card) if self.links.is_none() && matches!(answer, Answer::SignIn(_)) => {
                card.offering_new_link(language)
            }
            Ok(card) => card,
            Err(LinkTooLong) => {
                let refused = Answer::Refused(Reason::LinkTooLong.into());
                note(&self.metrics, ask, &refused);
                PrivateCard::without_link(&refused, wording)
            }
        }
    }

    /// The connector, for deliveries.
    pub(super) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Counts an answer that was not made here, and writes it into the log.
    pub(super) fn note(&self, ask: &Ask, answer: &Answer) {
        note(&self.metrics, ask, answer);
    }
}

fn invitation(ask: &Ask, inquiry: &Inquiry, invitee: &Invitee, hint: &Hint) -> Invitation {
    Invitation {
        person: ask.person.clone(),
        name: invitee.chat_name.clone().or_else(|| inquiry.from.name.clone()),
        workspace: None,
        subscriber: Some(invitee.subscriber.as_str().to_owned()),
        subscriber_name: invitee.subscriber_name.clone(),
        command: Intent::CONNECT_WORD.to_owned(),
        reference: ask.reference,
        hint: hint.sealed(),
    }
}

impl page::Desk for Desk {
    fn answer<'a>(&'a self, ask: &'a Ask, hint: Option<&'a str>) -> BoxFuture<'a, Answer> {
        async move {
            let answer = match hint.and_then(Hint::unseal) {
                Some(hint) => self.answer_at(ask, &hint).await,
                None => Answer::Refused(Reason::Incomplete.into()),
            };
            note(&self.metrics, ask, &answer);
            answer
        }
        .boxed()
    }
}

/// The one who asked, as the core looks them up, if their connector can be asked.
#[derive(Debug)]
struct Members<'a>(Option<Roster<'a>>);

impl Members<'_> {
    /// The place that knew them, once they have been looked up.
    fn found(&self) -> Option<&str> {
        self.0.as_ref()?.found()
    }
}

impl Directory for Members<'_> {
    fn profile<'a>(
        &'a self,
        person: &'a Person,
        token: Option<&'a SecretString>,
    ) -> BoxFuture<'a, Result<Profile, DirectoryError>> {
        async move {
            let roster = self.0.as_ref().ok_or(DirectoryError::OutOfReach)?;
            roster.profile(person, token).await
        }
        .boxed()
    }
}
