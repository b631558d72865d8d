//! What is found on the way from one person to their link, step by step, for whoever has to find out why
//! "it does not work".
//!
//! The names of fields and their words are part of the outside interface. There is no e-mail address in it:
//! a subscriber's id that looks like one is written as `…`.

use jiff::Timestamp;
use serde::Serialize;

use super::person::{Person, Profile};
use super::profiles::ProfilesError;
use super::refusal::{Reason, Refusal};
use super::resolve::{Resolution, ResolverKind};
use crate::novu::{ChannelConnection, SubscriberId};

/// What each step of the way says of one person, and what `/connect` would answer them now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Who it is about.
    pub person: ExplainedPerson,
    /// The channel connections of their workspace.
    pub workspace: ExplainedWorkspace,
    /// What the platform says of their account.
    pub account: ExplainedAccount,
    /// Every resolver of `identity.chain`, in its order.
    pub resolvers: Vec<ExplainedResolver>,
    /// Their subscriber; null if none was found.
    pub subscriber: Option<ExplainedSubscriber>,
    /// The chat accounts that are linked to the subscriber on this platform; null if nobody asked.
    pub endpoints: Option<Vec<ExplainedEndpoint>>,
    /// Who has the chat account; null if nobody asked.
    pub holder: Option<ExplainedHolder>,
    /// What `/connect` would answer now.
    pub answer: ExpectedAnswer,
}

/// The person that an explanation is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedPerson {
    /// `slack` or `teams`.
    pub platform: String,
    /// Slack team id or Entra tenant id; empty where only the organisation is known.
    pub workspace: String,
    /// Slack Enterprise Grid organisation.
    pub organisation: Option<String>,
    /// Slack user id or Entra object id.
    pub user: String,
}

/// The channel connections of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ExplainedWorkspace {
    /// All of them, the best first.
    pub connections: Vec<ExplainedConnection>,
    /// The identifier of the one that a new link would go through.
    pub chosen: Option<String>,
    /// The code of the refusal where none can be chosen.
    pub code: Option<&'static str>,
    /// How many workspaces share the integration.
    pub served: usize,
}

/// One channel connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedConnection {
    /// Its identifier in Novu.
    pub identifier: String,
    /// Its context as `type:id` keys.
    pub context: Vec<String>,
    /// Whether it is one subscriber's alone.
    pub personal: bool,
    /// Whether the configuration prefers it.
    pub pinned: bool,
}

/// What the platform says of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ExplainedAccount {
    /// What follows from it.
    pub outcome: AccountOutcome,
    /// The code of the refusal, if it is one.
    pub code: Option<&'static str>,
    /// Why the platform did not tell, if it did not.
    pub trouble: Option<String>,
    /// `member`, `guest`, `external`, `bot` or `deactivated`.
    pub kind: Option<&'static str>,
    /// What others see as the name.
    pub name: Option<String>,
    /// Language tag.
    pub locale: Option<String>,
    /// `confirmed`, `unconfirmed`, `none`, or `not_told` where the platform tells this bot no addresses.
    pub email: Option<&'static str>,
    /// Whether the address is in a domain that counts for the workspace; null if there is none, or nobody
    /// is found by their address.
    pub email_domain_counts: Option<bool>,
}

/// What follows from what the platform says of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountOutcome {
    /// Nobody asked the platform, because a step before ended the way.
    #[default]
    NotAsked,
    /// The platform tells who somebody is in a conversation alone, and none with them is known.
    NoConversation,
    /// It may go on.
    Admitted,
    /// It may go on though the platform did not tell.
    AdmittedUntold,
    /// It may not.
    Refused,
}

/// What one resolver says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedResolver {
    /// `table`, `webhook`, `email` or `template`.
    pub resolver: &'static str,
    /// What it says.
    pub outcome: ResolverOutcome,
    /// Why it did not find the person, as the code of a refusal.
    pub code: Option<&'static str>,
    /// The subscriber that it found.
    pub subscriber: Option<String>,
    /// The context that the link has to be made in, where the webhook says so, as `type:id` keys.
    pub context: Option<Vec<String>>,
}

/// What a resolver can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolverOutcome {
    /// This is the subscriber.
    Found,
    /// It certainly does not know the person, so the next one is asked.
    NotMine,
    /// No, and nobody else is asked.
    Refuse,
    /// Its source cannot tell, so nobody else is asked.
    CannotTell,
    /// Nobody asked it.
    NotAsked,
}

/// A subscriber that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedSubscriber {
    /// Its id.
    pub id: String,
    /// The resolver that found it.
    pub found_by: &'static str,
    /// Whether Novu has it; null where Novu did not say.
    pub exists: Option<bool>,
    /// Whether it would be created, as it is not there.
    pub would_be_created: bool,
}

/// A chat account that is linked to the subscriber.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedEndpoint {
    /// The identifier of the channel endpoint.
    pub identifier: String,
    /// Whether it reaches the account that is asked about.
    pub own: bool,
    /// The identifier of the channel connection that it delivers over.
    pub connection: Option<String>,
    /// Its context as `type:id` keys.
    pub context: Vec<String>,
    /// Since when it is there.
    pub since: Option<Timestamp>,
    /// Whether Novu can deliver over it.
    pub delivers: bool,
}

/// Who has a chat account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ExplainedHolder {
    /// Who has it.
    pub outcome: HolderOutcome,
    /// The other subscriber.
    pub subscriber: Option<String>,
    /// The identifier of the channel endpoint by which that is so.
    pub endpoint: Option<String>,
}

/// Who has a chat account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HolderOutcome {
    /// The person's own subscriber.
    Own,
    /// Nobody.
    #[default]
    Nobody,
    /// Another subscriber.
    Another,
    /// Nobody of those who were looked at; there are too many to look at all.
    NotSeen,
}

/// What somebody would be answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ExpectedAnswer {
    /// What.
    pub outcome: AnswerOutcome,
    /// The step at which the way ends.
    pub step: Step,
    /// The code of the refusal.
    pub code: Option<&'static str>,
    /// What it means.
    pub meaning: Option<&'static str>,
    /// What the operator can do.
    pub fix: Option<&'static str>,
    /// The sentence of the operator's webhook that the person would read in place of ours.
    pub sentence: Option<String>,
    /// Why no link could be minted when that was last tried, for whomever; a word as of `/readyz`.
    pub last_mint: Option<&'static str>,
}

impl ExpectedAnswer {
    /// Whether the person is connected, or would get a link.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self.outcome, AnswerOutcome::Link | AnswerOutcome::AlreadyConnected)
    }
}

/// What somebody can be answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerOutcome {
    /// A link to sign in.
    Link,
    /// That they are connected.
    AlreadyConnected,
    /// A refusal.
    Refused,
    /// That depends on what the platform says of them in a conversation.
    #[default]
    CannotTell,
}

/// The steps of the way, in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The workspace has to have a connection.
    #[default]
    Workspace,
    /// The account has to be one that is admitted.
    Account,
    /// A resolver has to find the subscriber.
    Identity,
    /// Novu has to say what there is of the subscriber.
    Endpoints,
    /// One of the connections has to be meant.
    Connection,
    /// A link that is there has to deliver.
    Link,
    /// No other subscriber may have the chat account.
    Holder,
    /// The subscriber has to be there, or may be created.
    Subscriber,
    /// The link is minted.
    Mint,
}

impl Explanation {
    /// Nobody has been asked yet.
    pub(super) fn of(person: &Person, chain: &[ResolverKind]) -> Self {
        let resolver = |kind: &ResolverKind| ExplainedResolver {
            resolver: kind.name(),
            outcome: ResolverOutcome::NotAsked,
            code: None,
            subscriber: None,
            context: None,
        };
        Self {
            person: ExplainedPerson {
                platform: person.platform.to_string(),
                workspace: person.workspace.id.clone(),
                organisation: person.workspace.enterprise.clone(),
                user: person.user.clone(),
            },
            workspace: ExplainedWorkspace::default(),
            account: ExplainedAccount::default(),
            resolvers: chain.iter().map(resolver).collect(),
            subscriber: None,
            endpoints: None,
            holder: None,
            answer: ExpectedAnswer::default(),
        }
    }
}

impl ExplainedConnection {
    pub(super) fn of(connection: &ChannelConnection, pinned: Option<&str>) -> Self {
        Self {
            identifier: connection.identifier.clone(),
            context: connection.context_keys.clone(),
            personal: connection.subscriber_id.is_some(),
            pinned: pinned == Some(connection.identifier.as_str()),
        }
    }
}

impl ExplainedAccount {
    /// What the platform said, before anything follows from it.
    pub(super) fn told(said: &Result<Profile, ProfilesError>) -> Self {
        match said {
            Ok(Profile { name, locale, email, kind, .. }) => Self {
                kind: Some(kind.word()),
                name: name.clone(),
                locale: locale.clone(),
                email: Some(email.word()),
                ..Self::default()
            },
            Err(error) => Self { trouble: Some(error.to_string()), ..Self::default() },
        }
    }
}

impl ExplainedResolver {
    /// Takes down what the resolver said.
    pub(super) fn hear(&mut self, resolution: &Resolution) {
        let why = |reason: Reason| Some(reason.code());
        match resolution {
            Resolution::Found(found) => {
                self.outcome = ResolverOutcome::Found;
                self.subscriber = Some(shown(&found.id));
                self.context = found.context.as_ref().map(crate::novu::Context::keys);
            }
            Resolution::NotMine(reason) => {
                (self.outcome, self.code) = (ResolverOutcome::NotMine, why(*reason));
            }
            Resolution::Refuse(Refusal { reason, .. }) => {
                self.outcome = match reason {
                    reason if reason.is_novus() => ResolverOutcome::CannotTell,
                    Reason::WebhookUnavailable
                    | Reason::ProfileUnavailable
                    | Reason::EmailMissing => ResolverOutcome::CannotTell,
                    _ => ResolverOutcome::Refuse,
                };
                self.code = why(*reason);
            }
        }
    }
}

impl ExpectedAnswer {
    /// The way ends with a refusal.
    pub(super) fn refused(step: Step, refusal: Refusal) -> Self {
        let reason = refusal.reason;
        Self {
            outcome: AnswerOutcome::Refused,
            step,
            code: Some(reason.code()),
            meaning: Some(reason.meaning()),
            fix: Some(reason.fix()),
            sentence: refusal.sentence,
            last_mint: None,
        }
    }
}

/// A subscriber's id as it may be shown to whoever looks into somebody's trouble.
pub(super) fn shown(id: &SubscriberId) -> String {
    id.for_log().to_owned()
}
