//! Reads the sections one by one, and judges what only several keys together can get wrong.

use std::ops::RangeInclusive;
use std::time::Duration;

use secrecy::SecretString;

use url::Url;

use super::reader::Reader;
use super::{AppCredential, Config, Identity, Novu, Server, Slack, Teams, parse};
use crate::core::resolve::ResolverKind;
use crate::net::{HostAllowlist, Subdomains};
use crate::teams::credentials::CertificateFiles;

/// More would not fit into the file descriptors that most machines grant.
const CONNECTIONS: RangeInclusive<usize> = 1..=65_536;
/// The key in use, and the one before it until the last link that it signed has expired.
const LINK_KEYS_MOST: usize = 2;
/// One outbound call: below, nothing would ever be in time; above, the client gives up first.
const CALL_TIME: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(30);
/// Slack waits 3 s, its network included (Slack: handling user interaction).
const REPLY_TIME: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_millis(2500);

/// In Teams people see an error after some ten seconds, and feel every one of them.
const PRESS_TIME: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(5);

/// More often, and strangers could make us a nuisance to Microsoft.
const KEY_TIME: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_hours(24);

/// Reads everything; `None` where a problem was noted.
pub(super) fn config(reader: &mut Reader) -> Option<Config> {
    let server = server(reader);
    let novu = novu(reader);
    let slack = reader.has_section("slack").then(|| slack(reader));
    let teams = reader.has_section("teams").then(|| teams(reader));
    let identity = identity(reader);
    if slack.is_none() && teams.is_none() {
        reader.add("No chat platform is on: fill in the section [slack] or [teams].");
    }
    // A section that is off is fine, one that is on and wrong is not.
    let slack = match slack {
        Some(slack) => Some(slack?),
        None => None,
    };
    let teams = match teams {
        Some(teams) => Some(teams?),
        None => None,
    };
    Some(Config { server: server?, novu: novu?, slack, teams, identity: identity? })
}

fn server(reader: &mut Reader) -> Option<Server> {
    let listen = reader.value("server.listen", parse::address);
    let public_url = reader.optional("server.public_url", parse::origin);
    let link_keys = link_keys(reader);
    let ops_listen = reader.optional("server.ops_listen", parse::address);
    let proxy = reader.optional("server.proxy", parse::proxy);
    let max_connections = reader.value("server.max_connections", parse::count(CONNECTIONS));
    // Port 0 asks for any free port, hence never for the same one.
    if ops_listen.is_some_and(|ops| ops.port() != 0) && ops_listen == listen {
        reader.blame("server.ops_listen", "is the same as server.listen: remove it or change it");
    }
    Some(Server {
        listen: listen?,
        public_url,
        link_keys: link_keys.unwrap_or_default(),
        ops_listen,
        max_connections: max_connections?,
        proxy,
    })
}

/// Personal pages need an address that people can reach and a key to sign links to it with.
fn link_keys(reader: &mut Reader) -> Option<Vec<SecretString>> {
    let name = "server.link_keys";
    let keys = reader.optional_list(name, parse::signing_key);
    if keys.as_ref().is_some_and(|keys| keys.len() > LINK_KEYS_MOST) {
        reader.blame(name, "has more than two entries: keep the new key and the one before it");
    }
    match (reader.is_given("server.public_url"), reader.is_given(name)) {
        (true, false) => {
            let cause = "is missing, but server.public_url is set";
            reader.blame(name, format!("{cause}: set it to at least 16 random characters"));
        }
        (false, true) => {
            let cause = "is set, but server.public_url is not";
            reader.blame(name, format!("{cause}: set that too, or remove this"));
        }
        _ => {}
    }
    keys
}

fn novu(reader: &mut Reader) -> Option<Novu> {
    let api_url = reader.value("novu.api_url", parse::base_url);
    let api_key = reader.value("novu.api_key", parse::secret);
    let timeout = reader.value("novu.timeout", parse::time(CALL_TIME));
    let context_hmac = reader.value("novu.context_hmac", parse::boolean);
    Some(Novu {
        api_url: api_url?,
        api_key: api_key?,
        timeout: timeout?,
        context_hmac: context_hmac?,
    })
}

fn slack(reader: &mut Reader) -> Option<Slack> {
    let signing_secrets = reader.filled_list("slack.signing_secrets", parse::secret);
    let integration = reader.value("slack.integration", parse::identifier);
    let command = reader.value("slack.command", parse::command);
    let user_scope = reader.optional_list("slack.user_scope", parse::scope);
    let connection = reader.optional("slack.connection", parse::identifier);
    let api_url = reader.value("slack.api_url", parse::secure_base_url);
    let bot_token = reader.optional("slack.bot_token", parse::secret);
    let response_hosts = hosts(reader, "slack.response_hosts", Subdomains::Allowed);
    let link_hosts = hosts(reader, "slack.link_hosts", Subdomains::Refused);
    let reply_budget = reader.value("slack.reply_budget", parse::time(REPLY_TIME));
    Some(Slack {
        signing_secrets: signing_secrets?,
        integration: integration?,
        command: command?,
        user_scope,
        connection,
        api_url: api_url?,
        bot_token,
        response_hosts: response_hosts?,
        link_hosts: link_hosts?,
        reply_budget: reply_budget?,
    })
}

fn teams(reader: &mut Reader) -> Option<Teams> {
    let cloud = reader.value("teams.cloud", parse::cloud);
    let app_id = reader.value("teams.app_id", parse::identifier);
    let app_credential = app_credential(reader);
    let app_tenant = reader.optional("teams.app_tenant", parse::identifier);
    let integration = reader.value("teams.integration", parse::identifier);
    let connection = reader.optional("teams.connection", parse::identifier);
    let metadata_url = reader.optional("teams.openid_metadata_url", parse::secure_url);
    let token_url = reader.optional("teams.token_url", parse::secure_url);
    let issuer = reader.optional("teams.issuer", parse::identifier);
    let link_hosts = reader.optional_list("teams.link_hosts", parse::host);
    let service_hosts = reader.optional_list("teams.service_hosts", parse::host);
    let reply_budget = reader.value("teams.reply_budget", parse::time(PRESS_TIME));
    let unknown_key_interval = reader.value("teams.unknown_key_interval", parse::time(KEY_TIME));
    let cloud = cloud?;
    let tenant = app_tenant.as_deref().unwrap_or(cloud.default_tenant());
    let usual_token_url =
        || Url::parse(&format!("https://{}/{tenant}/oauth2/v2.0/token", cloud.login_host())).ok();
    let or_usual = |given: Option<Vec<String>>, usual: &[&str]| {
        let hosts = given.unwrap_or_else(|| usual.iter().map(|host| (*host).to_owned()).collect());
        HostAllowlist::new(hosts, Subdomains::Refused).ok()
    };
    Some(Teams {
        app_id: app_id?,
        app_credential: app_credential?,
        integration: integration?,
        connection,
        openid_metadata_url: metadata_url.or_else(|| Url::parse(cloud.metadata_url()).ok())?,
        issuer: issuer.unwrap_or_else(|| cloud.issuer().to_owned()),
        token_url: token_url.or_else(usual_token_url)?,
        token_scope: cloud.scope().to_owned(),
        link_hosts: or_usual(link_hosts, &[cloud.login_host()])?,
        service_hosts: or_usual(service_hosts, cloud.service_hosts())?,
        reply_budget: reply_budget?,
        unknown_key_interval: unknown_key_interval?,
    })
}

/// A secret, or a certificate with its key: one of the two, and whole.
fn app_credential(reader: &mut Reader) -> Option<AppCredential> {
    let names = ["teams.app_secret", "teams.app_certificate", "teams.app_certificate_key"];
    let [secret, certificate, key] = names;
    let (name, complaint) = match names.map(|name| reader.is_given(name)) {
        [true, false, false] => {
            return reader.value(secret, parse::secret).map(AppCredential::Secret);
        }
        [false, true, true] => {
            let certificate = reader.value(certificate, parse::pem_path);
            let key = reader.value(key, parse::pem_path);
            let files = CertificateFiles { certificate: certificate?, key: key? };
            return Some(AppCredential::Certificate(files));
        }
        [false, false, false] => (
            secret,
            "is missing: set it to a client secret of the bot's Entra application, or set \
             teams.app_certificate and teams.app_certificate_key",
        ),
        [false, true, false] => (
            key,
            "is missing, but teams.app_certificate is set: set it to the file of that \
             certificate's private key",
        ),
        [false, false, true] => (
            certificate,
            "is missing, but teams.app_certificate_key is set: set it to the file of that key's \
             certificate",
        ),
        [true, true, _] => (certificate, "is set, but so is teams.app_secret: remove one of them"),
        [true, false, true] => (key, "is set, but so is teams.app_secret: remove one of them"),
    };
    reader.blame(name, complaint);
    None
}

fn hosts(reader: &mut Reader, name: &str, subdomains: Subdomains) -> Option<HostAllowlist> {
    let hosts = reader.filled_list(name, parse::host)?;
    HostAllowlist::new(hosts, subdomains).ok()
}

fn identity(reader: &mut Reader) -> Option<Identity> {
    let chain = reader.filled_list("identity.chain", parse::resolver);
    let template = reader.value("identity.template", parse::template);
    let webhook_url = reader.optional("identity.webhook_url", parse::secure_url);
    let webhook_secret = reader.optional("identity.webhook_secret", parse::signing_key);
    let webhook_timeout = reader.value("identity.webhook_timeout", parse::time(CALL_TIME));
    let table = reader.optional("identity.table", parse::table_path);
    let create_missing = reader.list("identity.create_missing", parse::resolver);
    let chain = chain?;
    judge_order(reader, &chain);
    judge_settings(reader, &chain);
    Some(Identity {
        template: template?,
        webhook_url,
        webhook_secret,
        webhook_timeout: webhook_timeout?,
        table,
        create_missing: creators(reader, &chain, create_missing?),
        chain,
    })
}

fn judge_order(reader: &mut Reader, chain: &[ResolverKind]) {
    let template_at = chain.iter().position(|resolver| *resolver == ResolverKind::Template);
    if template_at.is_some_and(|position| position + 1 < chain.len()) {
        let complaint = "has resolvers after template, which always finds someone: put it last";
        reader.blame("identity.chain", complaint);
    }
}

/// A resolver's settings, those that it cannot do without and the others.
const fn settings(resolver: ResolverKind) -> (&'static [&'static str], &'static [&'static str]) {
    match resolver {
        ResolverKind::Table => (&["identity.table"], &[]),
        ResolverKind::Webhook => {
            (&["identity.webhook_url", "identity.webhook_secret"], &["identity.webhook_timeout"])
        }
        ResolverKind::Email => (&[], &[]),
        ResolverKind::Template => (&[], &["identity.template"]),
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

fn demand(reader: &mut Reader, resolver: ResolverKind, names: &[&str]) {
    let word = resolver.name();
    for name in names {
        if !reader.is_given(name) {
            let cause = format!("is missing, but identity.chain contains {word}");
            reader.blame(name, format!("{cause}: set it or take {word} out"));
        }
    }
}

fn reject(reader: &mut Reader, resolver: ResolverKind, names: &[&str]) {
    let word = resolver.name();
    for name in names {
        if reader.is_changed(name) {
            let cause = format!("is set, but identity.chain lacks {word}");
            reader.blame(name, format!("{cause}: remove it or add {word}"));
        }
    }
}

/// Whose subscriber may be created. By default nobody's but those of resolvers in the chain.
fn creators(
    reader: &mut Reader,
    chain: &[ResolverKind],
    wanted: Vec<ResolverKind>,
) -> Vec<ResolverKind> {
    let name = "identity.create_missing";
    if !reader.is_given(name) {
        return wanted.into_iter().filter(|resolver| chain.contains(resolver)).collect();
    }
    if wanted.contains(&ResolverKind::Email) {
        reader.blame(name, "contains email, which only ever finds those who exist: take it out");
    }
    if wanted.iter().any(|resolver| !chain.contains(resolver)) {
        reader
            .blame(name, "contains a resolver that identity.chain does not: use one that it does");
    }
    wanted
}
