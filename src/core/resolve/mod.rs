//! Which Novu subscriber a person is: a chain of resolvers, of which the first hit wins.

pub(crate) mod config;
mod email;
mod email_domains;
mod table;
mod template;
mod webhook;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::future::{BoxFuture, Shared};
use serde::Deserialize;

use super::person::{Person, Profile};
use super::platform::Platform;
use super::profiles::ProfilesError;
use super::refusal::{Reason, Refusal};
use crate::novu::{Context, Novu, Subscriber, SubscriberId};

pub(crate) use email::EmailResolver;
pub(crate) use email_domains::{EmailDomain, EmailDomains};
pub(crate) use table::TableResolver;
pub(crate) use template::Template;
pub(crate) use webhook::{DryRun, WebhookResolver};

/// The kinds of resolver, by their names in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResolverKind {
    /// A table of people kept by the operator.
    Table,
    /// An endpoint of the operator's.
    Webhook,
    /// A confirmed e-mail address.
    Email,
    /// An id that is made of the person's ids.
    Template,
}

impl ResolverKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Table, Self::Webhook, Self::Email, Self::Template];

    /// Its name in the configuration, in metrics and in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Webhook => "webhook",
            Self::Email => "email",
            Self::Template => "template",
        }
    }
}

impl fmt::Display for ResolverKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What one resolver says of a person.
#[derive(Debug)]
pub(crate) enum Resolution {
    /// This is the subscriber.
    Found(Box<Found>),
    /// This resolver knows for certain that it is not the one to find this person. Somebody else may
    /// know; if nobody does, this is why not.
    NotMine(Reason),
    /// No, and nobody else is asked. Also what a resolver says that cannot tell: a weaker one must not
    /// take over from a source that is ill.
    Refuse(Refusal),
}

/// A subscriber that a resolver found.
#[derive(Debug)]
pub struct Found {
    /// The resolver that found it.
    pub by: ResolverKind,
    /// The subscriber's id.
    pub id: SubscriberId,
    /// The subscriber itself, where finding it already fetched it.
    pub subscriber: Option<Box<Subscriber>>,
    /// The context that the link has to be made in, where the resolver says so.
    pub context: Option<Context>,
    /// What a subscriber created for this person is called.
    pub name: Option<String>,
}

impl Found {
    fn id(by: ResolverKind, id: SubscriberId) -> Self {
        Self { by, id, subscriber: None, context: None, name: None }
    }
}

/// Who is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The platform that vouches for the person.
    pub platform: &'static Platform,
    /// The person.
    pub person: &'a Person,
    /// How many workspaces share the subscribers among whom the person is looked for.
    pub served: usize,
}

/// A person's profile while it is being fetched. Every resolver may wait for it, few do.
pub(crate) type PendingProfile<'a> = Shared<BoxFuture<'a, Result<Profile, ProfilesError>>>;

/// The resolvers in the order in which they are asked. Others can take their place at any time.
#[derive(Debug)]
pub struct Chain(RwLock<Arc<InForce>>);

/// What a chain consists of at the moment.
#[derive(Debug)]
struct InForce {
    resolvers: Vec<Resolver>,
    create_missing: Vec<ResolverKind>,
}

/// One resolver.
#[derive(Debug)]
pub enum Resolver {
    /// See [`TableResolver`].
    Table(Arc<TableResolver>),
    /// See [`WebhookResolver`].
    Webhook(Arc<WebhookResolver>),
    /// See [`EmailResolver`].
    Email(EmailResolver),
    /// See [`Template`].
    Template(Template),
}

impl Resolver {
    const fn kind(&self) -> ResolverKind {
        match self {
            Self::Table(_) => ResolverKind::Table,
            Self::Webhook(_) => ResolverKind::Webhook,
            Self::Email(_) => ResolverKind::Email,
            Self::Template(_) => ResolverKind::Template,
        }
    }

    async fn resolve(
        &self,
        subject: Subject<'_>,
        novu: &Novu,
        profile: PendingProfile<'_>,
    ) -> Resolution {
        match self {
            Self::Table(table) => table.resolve(subject).await,
            Self::Webhook(webhook) => webhook.resolve(subject, profile.await.ok().as_ref()).await,
            Self::Email(email) => email.resolve(subject, novu, profile.await).await,
            Self::Template(template) => template.resolve(subject),
        }
    }
}

impl Chain {
    /// A chain of the given resolvers. Subscribers that Novu does not have are created only for people
    /// found by one of `create_missing`.
    #[must_use]
    pub fn new(resolvers: Vec<Resolver>, create_missing: Vec<ResolverKind>) -> Self {
        Self(RwLock::new(Arc::new(InForce { resolvers, create_missing })))
    }

    /// Takes over the resolvers of another one. Whoever is being looked for is found by those before.
    pub(crate) fn adopt(&self, other: &Self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = other.in_force();
    }

    /// Whether the table has other rows than that of another chain, which may have none.
    pub(crate) fn has_other_rows_than(&self, other: &Self) -> bool {
        let others = other.table();
        self.table().is_some_and(|own| others.is_none_or(|it| own.has_other_rows_than(&it)))
    }

    /// Whether a resolver is asked.
    #[must_use]
    pub fn has(&self, kind: ResolverKind) -> bool {
        self.in_force().resolvers.iter().any(|resolver| resolver.kind() == kind)
    }

    /// The table, if it is asked.
    pub(crate) fn table(&self) -> Option<Arc<TableResolver>> {
        self.in_force().resolvers.iter().find_map(|resolver| match resolver {
            Resolver::Table(table) => Some(Arc::clone(table)),
            _ => None,
        })
    }

    /// The webhook, if it is asked.
    pub(crate) fn webhook(&self) -> Option<Arc<WebhookResolver>> {
        self.in_force().resolvers.iter().find_map(|resolver| match resolver {
            Resolver::Webhook(webhook) => Some(Arc::clone(webhook)),
            _ => None,
        })
    }

    /// Whether domains are listed of which the e-mail addresses count in a workspace.
    pub(crate) fn lists_domains_of(&self, platform: &Platform, workspace: &str) -> bool {
        self.in_force().resolvers.iter().any(|resolver| {
            matches!(resolver, Resolver::Email(email) if email.domains().list(platform, workspace))
        })
    }

    /// Whether a subscriber that Novu does not have is created for somebody whom this resolver found.
    #[must_use]
    pub fn may_create(&self, by: ResolverKind) -> bool {
        self.in_force().create_missing.contains(&by)
    }

    /// The kinds of its resolvers, in their order.
    #[must_use]
    pub fn kinds(&self) -> Vec<ResolverKind> {
        self.in_force().resolvers.iter().map(Resolver::kind).collect()
    }

    /// Whether an address is in a domain that counts for this person; none where nobody is found by their
    /// address.
    #[must_use]
    pub fn counts_address(&self, subject: Subject<'_>, address: &str) -> Option<bool> {
        self.in_force().resolvers.iter().find_map(|resolver| match resolver {
            Resolver::Email(email) => Some(email.counts(subject, address)),
            _ => None,
        })
    }

    fn in_force(&self) -> Arc<InForce> {
        // Only ever replaced as a whole, so a panic leaves nothing to repair.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks one resolver after the other until one finds the person or refuses. `novu` is the way to
    /// Novu, with the time that there is.
    ///
    /// # Errors
    /// A resolver refused, or none knows the person; the first one's reason then stands, because
    /// the first is the one that the operator prefers.
    pub async fn resolve(
        &self,
        subject: Subject<'_>,
        novu: &Novu,
        profile: PendingProfile<'_>,
    ) -> Result<Found, Refusal> {
        self.resolve_aloud(subject, novu, profile, |_, _| {}).await
    }

    /// As [`Chain::resolve`], and lets somebody hear what each resolver says that is asked.
    ///
    /// # Errors
    /// As [`Chain::resolve`].
    pub(super) async fn resolve_aloud(
        &self,
        subject: Subject<'_>,
        novu: &Novu,
        profile: PendingProfile<'_>,
        mut hear: impl FnMut(ResolverKind, &Resolution) + Send,
    ) -> Result<Found, Refusal> {
        let mut why_not = None;
        for resolver in &self.in_force().resolvers {
            let resolution = resolver.resolve(subject, novu, profile.clone()).await;
            hear(resolver.kind(), &resolution);
            match resolution {
                Resolution::Found(found) => return Ok(*found),
                Resolution::Refuse(refusal) => return Err(refusal),
                Resolution::NotMine(reason) => why_not = why_not.or(Some(reason)),
            }
        }
        Err(why_not.unwrap_or(Reason::IdentityUnknown).into())
    }
}
