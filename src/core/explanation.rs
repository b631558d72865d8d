//! What is found on the way from one person to their link, step by step, for whoever has to find out why
//! "it does not work".
//!
//! The names of fields and their words are part of the outside interface. There is no e-mail address in it:
//! an id or a name that looks like one is written as `…`.

mod telling;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::Verified;

pub(super) use telling::{shown, stored};

/// What each step of the way says of one person, and what `/connect` would answer them now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
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
    /// The link that the service has last seen, wherever it is now; null if it knows of none.
    pub last_seen: Option<ExplainedLink>,
    /// What `/connect` would answer now.
    pub answer: ExpectedAnswer,
}

/// The person that an explanation is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExplainedAccount {
    /// What follows from it.
    pub outcome: AccountOutcome,
    /// The code of the refusal, if it is one.
    pub code: Option<&'static str>,
    /// Why the platform did not tell, if it did not.
    pub trouble: Option<String>,
    /// `member`, `guest`, `external`, `bot` or `deactivated`.
    pub kind: Option<&'static str>,
    /// What others see as the name; `…` in place of an e-mail address.
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
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
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Whether Novu can deliver over it.
    pub delivers: bool,
}

/// Who has a chat account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExplainedHolder {
    /// Who has it.
    pub outcome: HolderOutcome,
    /// The other subscriber.
    pub subscriber: Option<String>,
    /// The identifier of the channel endpoint by which that is so.
    pub endpoint: Option<String>,
}

/// Who has a chat account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
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

/// A link as the service has last seen it. Where Novu has none any more, somebody removed it there; where it
/// is to another subscriber than the one that is found now, the chain says something else than it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExplainedLink {
    /// The subscriber's id.
    pub subscriber: String,
    /// The identifier of the channel endpoint.
    pub endpoint: String,
    /// How it was known that it is the right person's: `signed_in`, `found` or `confirmed`.
    pub verified: Verified,
    /// When it was last seen.
    #[schema(value_type = String, format = DateTime)]
    pub seen_at: Timestamp,
}

/// What somebody would be answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
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

impl Step {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Workspace,
        Self::Account,
        Self::Identity,
        Self::Endpoints,
        Self::Connection,
        Self::Link,
        Self::Holder,
        Self::Subscriber,
        Self::Mint,
    ];
}
