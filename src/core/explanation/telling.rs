//! How an explanation comes about: what each step hears, put into its words.

use super::{
    AnswerOutcome, ExpectedAnswer, ExplainedAccount, ExplainedConnection, ExplainedLink,
    ExplainedPerson, ExplainedResolver, ExplainedWorkspace, Explanation, ResolverOutcome, Step,
};
use crate::core::person::{Person, Profile};
use crate::core::profiles::ProfilesError;
use crate::core::refusal::{Reason, Refusal};
use crate::core::resolve::{Resolution, ResolverKind};
use crate::novu::{ChannelConnection, Context, SubscriberId};
use crate::store::KnownLink;
use crate::text::one_line;

impl Explanation {
    /// Nobody has been asked yet.
    pub(in crate::core) fn of(person: &Person, chain: &[ResolverKind]) -> Self {
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
            last_seen: None,
            answer: ExpectedAnswer::default(),
        }
    }
}

impl ExplainedConnection {
    pub(in crate::core) fn of(connection: &ChannelConnection, pinned: Option<&str>) -> Self {
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
    pub(in crate::core) fn told(said: &Result<Profile, ProfilesError>) -> Self {
        match said {
            Ok(Profile { name, locale, email, kind, .. }) => Self {
                kind: Some(kind.word()),
                name: name.as_deref().map(shown_name),
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
    pub(in crate::core) fn hear(&mut self, resolution: &Resolution) {
        let why = |reason: Reason| Some(reason.code());
        match resolution {
            Resolution::Found(found) => {
                self.outcome = ResolverOutcome::Found;
                self.subscriber = Some(shown(&found.id));
                self.context = found.context.as_ref().map(Context::keys);
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
    pub(in crate::core) fn refused(step: Step, refusal: &Refusal) -> Self {
        let reason = refusal.reason;
        Self {
            outcome: AnswerOutcome::Refused,
            step,
            code: Some(reason.code()),
            meaning: Some(reason.meaning()),
            fix: Some(reason.fix()),
            sentence: refusal.sentence.as_deref().map(one_line),
            last_mint: None,
        }
    }
}

impl ExplainedLink {
    pub(in crate::core) fn of(known: KnownLink) -> Self {
        let KnownLink { subscriber, endpoint, verified, seen_at, .. } = known;
        Self { subscriber: stored(subscriber), endpoint, verified, seen_at }
    }
}

/// A name as it may be shown; some people's is their e-mail address.
fn shown_name(name: &str) -> String {
    if name.contains('@') { "…".to_owned() } else { one_line(name) }
}

/// A subscriber's id as it may be shown to whoever looks into somebody's trouble.
pub(in crate::core) fn shown(id: &SubscriberId) -> String {
    id.for_log().to_owned()
}

/// As [`shown`], of an id that was stored.
pub(in crate::core) fn stored(id: String) -> String {
    SubscriberId::new(id).map_or_else(|_| String::new(), |id| shown(&id))
}
