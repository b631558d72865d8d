//! The section `identity`: how a person's subscriber is found.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::{EmailDomain, EmailDomains, ResolverKind, Template};
use crate::config::{Key, KeyInfo, ListKey, Parsed, Reader, parse};
use crate::section;

/// One call: below, nothing would ever be in time; above, the client gives up first.
const CALL_TIME: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(30);

section! {
    /// How a person's subscriber is found.
    pub(crate) SECTION = "identity";

    pub(crate) CHAIN: ListKey<ResolverKind> = ListKey::new(
        "identity.chain",
        "the resolvers that find a person's subscriber, in order: table, webhook, email, template",
        resolver,
    )
    .or("template");

    TEMPLATE: Key<Template> = Key::new(
        "identity.template",
        "a subscriber id with the placeholders {platform}, {workspace}, {team} and {user}",
        template,
    )
    .or("{platform}:{workspace}:{user}");

    WEBHOOK_URL: Key<Url> = Key::new(
        "identity.webhook_url",
        "the address of your own endpoint that names subscribers",
        parse::secure_url,
    );

    WEBHOOK_SECRET: Key<SecretString> = Key::new(
        "identity.webhook_secret",
        "the key that signs requests to identity.webhook_url",
        parse::signing_key,
    )
    .secret();

    WEBHOOK_TIMEOUT: Key<Duration> = Key::new(
        "identity.webhook_timeout",
        "the longest time that your endpoint may take",
        |text| parse::time(text, &CALL_TIME),
    )
    .or("1s");

    pub(crate) TABLE: Key<PathBuf> = Key::new(
        "identity.table",
        "a .csv or .toml file that maps people to subscriber ids",
        table_path,
    );

    EMAIL_DOMAINS: ListKey<EmailDomain> = ListKey::new(
        "identity.email_domains",
        "the e-mail domains that count for each workspace, like T0123ABCD=example.com; * for any",
        email_domain,
    );

    CREATE_MISSING: ListKey<ResolverKind> = ListKey::new(
        "identity.create_missing",
        "the resolvers whose subscriber may be created where Novu does not have it",
        resolver,
    )
    .or("template");
}

/// What the section says.
#[derive(Clone)]
pub(crate) struct Settings {
    /// Resolvers in the order in which they are asked; at least one, each once, template last.
    pub(crate) chain: Vec<ResolverKind>,
    /// The subscriber id with places to fill in.
    pub(crate) template: Template,
    /// The operator's endpoint; there if the chain has the webhook. May carry a key in its query.
    pub(crate) webhook_url: Option<Url>,
    /// The key that signs requests to the endpoint; there if the chain has the webhook.
    pub(crate) webhook_secret: Option<SecretString>,
    /// The longest time of one request to the endpoint.
    pub(crate) webhook_timeout: Duration,
    /// The mapping table, `.csv` or `.toml`; there if the chain has the table.
    pub(crate) table: Option<PathBuf>,
    /// The e-mail domains that count for each workspace.
    pub(crate) email_domains: EmailDomains,
    /// Resolvers of the chain whose subscriber may be created; never the e-mail resolver.
    pub(crate) create_missing: Vec<ResolverKind>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("chain", &self.chain)
            .field("template", &self.template)
            .field("webhook_host", &self.webhook_url.as_ref().and_then(Url::host_str))
            .field("webhook_secret", &self.webhook_secret)
            .field("webhook_timeout", &self.webhook_timeout)
            .field("table", &self.table)
            .field("email_domains", &self.email_domains)
            .field("create_missing", &self.create_missing)
            .finish()
    }
}

impl Settings {
    /// Reads the section; `None` where a problem was noted.
    pub(crate) fn read(reader: &mut Reader) -> Option<Self> {
        let chain = reader.filled_list(&CHAIN);
        let template = reader.value(&TEMPLATE);
        let webhook_url = reader.optional(&WEBHOOK_URL);
        let webhook_secret = reader.optional(&WEBHOOK_SECRET);
        let webhook_timeout = reader.value(&WEBHOOK_TIMEOUT);
        let table = reader.optional(&TABLE);
        let email_domains = reader.optional_list(&EMAIL_DOMAINS);
        let create_missing = reader.list(&CREATE_MISSING);
        let chain = chain?;
        judge_order(reader, &chain);
        judge_settings(reader, &chain);
        Some(Self {
            template: template?,
            webhook_url,
            webhook_secret,
            webhook_timeout: webhook_timeout?,
            table,
            email_domains: EmailDomains::new(email_domains.unwrap_or_default()),
            create_missing: creators(reader, &chain, create_missing?),
            chain,
        })
    }

    /// What the section says, in lines of a name and its value.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        vec![
            ("identity", join(&self.chain, " then ")),
            ("may create", join(&self.create_missing, ", ")),
        ]
    }
}

fn join(resolvers: &[ResolverKind], separator: &str) -> String {
    if resolvers.is_empty() {
        return "nobody's subscriber".to_owned();
    }
    resolvers.iter().map(|resolver| resolver.name()).collect::<Vec<_>>().join(separator)
}

/// The name of a resolver.
fn resolver(text: &str) -> Parsed<ResolverKind> {
    ResolverKind::ALL
        .into_iter()
        .find(|resolver| resolver.name() == text)
        .ok_or_else(|| "is not a resolver: write table, webhook, email or template".into())
}

/// A mapping table's path, told apart by its ending.
fn table_path(text: &str) -> Parsed<PathBuf> {
    let path = Path::new(text);
    if path.extension().is_some_and(|ending| ending == "csv" || ending == "toml") {
        return Ok(path.to_owned());
    }
    Err("is not a table's path: name a file that ends with .csv or .toml".into())
}

/// A workspace with a domain of e-mail addresses that count for it.
fn email_domain(text: &str) -> Parsed<EmailDomain> {
    EmailDomain::parse(text).map_err(|problem| problem.to_string().into())
}

/// A subscriber id with placeholders, from which different people never get the same id.
fn template(text: &str) -> Parsed<Template> {
    Template::parse(text).map_err(|problem| problem.to_string().into())
}

fn judge_order(reader: &mut Reader, chain: &[ResolverKind]) {
    let template_at = chain.iter().position(|resolver| *resolver == ResolverKind::Template);
    if template_at.is_some_and(|position| position + 1 < chain.len()) {
        let complaint = "has resolvers after template, which always finds someone: put it last";
        reader.blame(&CHAIN, complaint);
    }
}

/// A resolver's settings, those that it cannot do without and the others.
fn settings(resolver: ResolverKind) -> (&'static [&'static KeyInfo], &'static [&'static KeyInfo]) {
    static WEBHOOK: [&KeyInfo; 2] = [WEBHOOK_URL.info(), WEBHOOK_SECRET.info()];
    static WEBHOOK_MORE: [&KeyInfo; 1] = [WEBHOOK_TIMEOUT.info()];
    static TABLES: [&KeyInfo; 1] = [TABLE.info()];
    static EMAILS: [&KeyInfo; 1] = [EMAIL_DOMAINS.info()];
    static TEMPLATES: [&KeyInfo; 1] = [TEMPLATE.info()];
    match resolver {
        ResolverKind::Table => (&TABLES, &[]),
        ResolverKind::Webhook => (&WEBHOOK, &WEBHOOK_MORE),
        ResolverKind::Email => (&[], &EMAILS),
        ResolverKind::Template => (&[], &TEMPLATES),
    }
}

/// A resolver in the chain needs its settings, and settings need their resolver in the chain.
fn judge_settings(reader: &mut Reader, chain: &[ResolverKind]) {
    for resolver in ResolverKind::ALL {
        let (needed, others) = settings(resolver);
        if chain.contains(&resolver) {
            demand(reader, resolver, needed);
        } else {
            reject(reader, resolver, needed);
            reject(reader, resolver, others);
        }
    }
}

fn demand(reader: &mut Reader, resolver: ResolverKind, keys: &[&KeyInfo]) {
    let word = resolver.name();
    for key in keys {
        if !reader.is_given(key) {
            let cause = format!("is missing, but identity.chain contains {word}");
            reader.lacks(key, format!("{cause}: set it or take {word} out"));
        }
    }
}

fn reject(reader: &mut Reader, resolver: ResolverKind, keys: &[&KeyInfo]) {
    let word = resolver.name();
    for key in keys {
        if reader.is_changed(key) {
            let cause = format!("is set, but identity.chain lacks {word}");
            reader.blame(key, format!("{cause}: remove it or add {word}"));
        }
    }
}

/// Whose subscriber may be created. By default nobody's but those of resolvers in the chain.
fn creators(
    reader: &mut Reader,
    chain: &[ResolverKind],
    wanted: Vec<ResolverKind>,
) -> Vec<ResolverKind> {
    if !reader.is_given(&CREATE_MISSING) {
        return wanted.into_iter().filter(|resolver| chain.contains(resolver)).collect();
    }
    if wanted.contains(&ResolverKind::Email) {
        let complaint = "contains email, which only ever finds those who exist: take it out";
        reader.blame(&CREATE_MISSING, complaint);
    }
    if wanted.iter().any(|resolver| !chain.contains(resolver)) {
        let complaint = "contains a resolver that identity.chain does not: use one that it does";
        reader.blame(&CREATE_MISSING, complaint);
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_recognised() {
        for text in ["table", "webhook", "email", "template"] {
            assert!(resolver(text).is_ok(), "{text:?}");
        }
        for text in ["Table", "mail", ""] {
            assert!(resolver(text).is_err(), "{text:?}");
        }
        for text in ["people.csv", "/etc/connect/people.toml"] {
            assert!(table_path(text).is_ok(), "{text:?}");
        }
        for text in ["people", "people.xlsx", ".csv"] {
            assert!(table_path(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_template_tells_people_apart() {
        for text in ["{platform}:{workspace}:{user}", "{team}/{user}", "x-{team}-{user}"] {
            assert!(template(text).is_ok(), "{text:?}");
        }
        for text in [
            "{workspace}",
            "{workspace}{user}",
            "{platform}:{user}",
            "{workspace}:{name}",
            "{workspace}:{user",
            "{workspace}:user}",
            "{workspace}:{{user}}",
            "{workspace}: {user}",
            "{}{workspace}{user}",
            "}{workspace}{user}",
        ] {
            assert!(template(text).is_err(), "{text:?}");
        }
    }
}
