//! `explain`: why one person would get a link, or not.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;

use clap::Subcommand;

use super::{ConfigFile, DONE, FAILED, MISUSED, complain, misconfigured};
use crate::app::{App, Config};
use crate::clock::{SharedClock, SystemClock};
use crate::core::{
    AccountOutcome, AnswerOutcome, ExpectedAnswer, ExplainedAccount, ExplainedEndpoint,
    ExplainedHolder, ExplainedLink, ExplainedResolver, ExplainedSubscriber, ExplainedWorkspace,
    Explanation, HolderOutcome, Person, Platform, ResolverOutcome, typed_id,
};
use crate::random::SystemRandom;
use crate::store::{self, Store};
use crate::{slack, teams};

/// Who.
#[derive(Debug, Subcommand)]
pub(super) enum Who {
    /// Somebody in Slack
    ///
    /// Tells what `/connect` would answer them.
    Slack {
        /// The id of the workspace (T…); or that of the organisation (E…), where there is no workspace
        #[arg(value_parser = id)]
        workspace: String,
        /// The id of the user (U… or W…)
        #[arg(value_parser = id)]
        user: String,
        /// The id of the Enterprise Grid organisation (E…) that the workspace is in
        #[arg(long, value_name = "E…", value_parser = id)]
        organisation: Option<String>,
        #[command(flatten)]
        how: How,
    },
    /// Somebody in Teams
    ///
    /// Tells what `connect` would answer them. Teams says who somebody is only in a conversation with the
    /// bot: that of their newest message is used, where the store of the configuration has one.
    Teams {
        /// The id of the tenant
        #[arg(value_parser = id)]
        tenant: String,
        /// The id of the user in Entra
        #[arg(value_parser = id)]
        object_id: String,
        #[command(flatten)]
        how: How,
    },
}

/// How it is told.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    /// Write one object of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: ConfigFile,
}

fn id(text: &str) -> Result<String, String> {
    typed_id(text).map(str::to_owned)
}

impl Who {
    fn how(&self) -> &How {
        match self {
            Self::Slack { how, .. } | Self::Teams { how, .. } => how,
        }
    }

    const fn platform(&self) -> &'static Platform {
        match self {
            Self::Slack { .. } => &slack::PLATFORM,
            Self::Teams { .. } => &teams::PLATFORM,
        }
    }

    fn person(&self) -> Result<Person, String> {
        let platform = self.platform();
        let (workspace, organisation, user) = match self {
            Self::Slack { workspace, user, organisation, .. } => (workspace, organisation, user),
            Self::Teams { tenant, object_id, .. } => (tenant, &None, object_id),
        };
        let workspace = platform.place(Some(workspace), organisation.as_deref())?;
        Ok(Person {
            platform: platform.id(),
            workspace,
            user: platform.canonical_id(user).into_owned(),
        })
    }
}

/// Does it. Gives the exit code.
pub(super) async fn run(who: Who, out: &mut impl Write) -> u8 {
    let config = match who.how().file.load() {
        Ok(config) => config,
        Err(problems) => return misconfigured(&problems),
    };
    let explanation = async {
        let person = who.person().map_err(anyhow::Error::msg)?;
        explain(config, who.platform(), &person).await
    };
    match explanation.await {
        Ok(explanation) => {
            let written = if who.how().json {
                write_json(&explanation, out)
            } else {
                write!(out, "{}", in_words(&explanation))
            };
            match written {
                Ok(()) if explanation.answer.is_good() => DONE,
                _ => FAILED,
            }
        }
        Err(error) => {
            complain(format_args!("{error:#}"));
            MISUSED
        }
    }
}

/// Asks with a service of its own that is never served, and a store of its own with what the real one
/// knows of the person.
async fn explain(
    config: Config,
    platform: &'static Platform,
    person: &Person,
) -> anyhow::Result<Explanation> {
    let clock: SharedClock = Arc::new(SystemClock);
    let store = Store::in_memory(Arc::clone(&clock));
    if let Err(error) = store::take_over(&config.store, &person.owner(), &store).await {
        complain(format_args!(
            "note: the store is not read, so what it knows of this person plays no part: {error:#}"
        ));
    }
    let app = App::build_on(store, config, clock, Arc::new(SystemRandom)).await?;
    let name = platform.name;
    let Some(people) = app.people(name) else {
        anyhow::bail!("{} is off: set {name}.integration and what belongs to it", platform.brand)
    };
    Ok(people.explain(person).await)
}

fn write_json(explanation: &Explanation, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, explanation)?;
    writeln!(out)
}

/// The explanation, a line for each step.
fn in_words(explanation: &Explanation) -> String {
    let mut text = String::new();
    let mut line = |name: &str, words: &str| {
        // A text takes whatever is written into it.
        let _ = writeln!(text, "{name:<11} {words}");
    };
    let person = &explanation.person;
    let place = [Some(person.workspace.as_str()), person.organisation.as_deref()];
    let place: Vec<_> = place.into_iter().flatten().filter(|id| !id.is_empty()).collect();
    line("person", &format!("{} {} {}", person.platform, place.join(" in "), person.user));
    for words in workspace(&explanation.workspace) {
        line("workspace", &words);
    }
    line("account", &account(&explanation.account));
    for (number, resolver) in explanation.resolvers.iter().enumerate() {
        line("identity", &format!("{} {}", number + 1, resolved(resolver)));
    }
    if let Some(it) = &explanation.subscriber {
        line("subscriber", &subscriber(it));
    }
    for words in explanation.endpoints.iter().flat_map(|all| endpoints(all)) {
        line("endpoint", &words);
    }
    if let Some(it) = &explanation.holder {
        line("holder", &holder(it));
    }
    if let Some(it) = &explanation.last_seen {
        line("last seen", &last_seen(it, explanation.subscriber.as_ref()));
    }
    line("answer", answer(&explanation.answer, &explanation.account));
    let ExpectedAnswer { code, meaning, fix, sentence, .. } = &explanation.answer;
    if let (Some(code), Some(meaning), Some(fix)) = (code, meaning, fix) {
        line("why", &format!("{code}: {meaning}"));
        line("fix", fix);
    }
    if let Some(sentence) = sentence {
        line("sentence", sentence);
    }
    text
}

fn workspace(workspace: &ExplainedWorkspace) -> Vec<String> {
    let mut lines = Vec::new();
    for connection in &workspace.connections {
        let mut words = format!("{}, {}", connection.identifier, context(&connection.context));
        for (holds, more) in [
            (connection.personal, ", one subscriber's alone"),
            (connection.pinned, ", preferred by the configuration"),
            (workspace.chosen.as_ref() == Some(&connection.identifier), ": a link goes over it"),
        ] {
            words.push_str(if holds { more } else { "" });
        }
        lines.push(words);
    }
    if let Some(code) = workspace.code {
        let none = if lines.is_empty() { "no connection" } else { "none of them is chosen" };
        lines.push(format!("{none} ({code})"));
    }
    lines
}

fn context(keys: &[String]) -> String {
    if keys.is_empty() { "in no context".to_owned() } else { format!("in {}", keys.join(" and ")) }
}

fn account(account: &ExplainedAccount) -> String {
    let code = account.code.unwrap_or_default();
    let mut words = match account.outcome {
        AccountOutcome::NotAsked => return "not asked".to_owned(),
        AccountOutcome::NoConversation => {
            return "not known: the platform says who somebody is in a conversation alone, and the store \
                    has none with them"
                .to_owned();
        }
        AccountOutcome::Admitted => "admitted".to_owned(),
        AccountOutcome::AdmittedUntold => "admitted, though it is not known who it is".to_owned(),
        AccountOutcome::Refused => format!("refused ({code})"),
    };
    let named = [("kind", account.kind), ("called", account.name.as_deref())];
    for (what, value) in named.into_iter().filter_map(|(what, value)| Some((what, value?))) {
        let _ = write!(words, ", {what} {value}");
    }
    words.push_str(match account.email {
        None => "",
        Some("confirmed") => ", has a confirmed e-mail address",
        Some("unconfirmed") => ", has an e-mail address that is not confirmed",
        Some("none") => ", has no e-mail address",
        Some(_) => "; the platform tells this bot no e-mail addresses",
    });
    words.push_str(match account.email_domain_counts {
        None => "",
        Some(true) => " in a domain that counts here",
        Some(false) => " in a domain that does not count here",
    });
    if let Some(trouble) = &account.trouble {
        let _ = write!(words, ": {trouble}");
    }
    words
}

fn resolved(resolver: &ExplainedResolver) -> String {
    let code = resolver.code.unwrap_or_default();
    let name = resolver.resolver;
    match resolver.outcome {
        ResolverOutcome::Found => {
            let found = resolver.subscriber.as_deref().unwrap_or_default();
            let context = resolver.context.as_deref().map(context);
            let context = context.map(|it| format!(", {it}")).unwrap_or_default();
            format!("{name}: found {found}{context}")
        }
        ResolverOutcome::NotMine => format!("{name}: not mine ({code})"),
        ResolverOutcome::Refuse => format!("{name}: refuse ({code})"),
        ResolverOutcome::CannotTell => format!("{name}: cannot tell ({code})"),
        ResolverOutcome::NotAsked => format!("{name}: not asked"),
    }
}

fn subscriber(subscriber: &ExplainedSubscriber) -> String {
    let id = &subscriber.id;
    match (subscriber.exists, subscriber.would_be_created) {
        (Some(true), _) => format!("{id} is in Novu"),
        (Some(false), true) => format!("{id} is not in Novu, and would be created"),
        (Some(false), false) => format!("{id} is not in Novu, and would not be created"),
        (None, _) => format!("{id}; Novu does not say whether it is there"),
    }
}

fn endpoints(endpoints: &[ExplainedEndpoint]) -> Vec<String> {
    if endpoints.is_empty() {
        return vec!["no chat account is linked to this subscriber".to_owned()];
    }
    let words = |endpoint: &ExplainedEndpoint| {
        let whose = if endpoint.own { "this account" } else { "another account" };
        let delivers = if endpoint.delivers { "delivers" } else { "does not deliver" };
        let over = endpoint.connection.as_deref().unwrap_or("no connection of its own");
        let since = endpoint.since.map(|since| format!(", since {since}")).unwrap_or_default();
        let (id, context) = (&endpoint.identifier, context(&endpoint.context));
        format!("{id} links {whose} over {over}, {context}{since}: {delivers}")
    };
    endpoints.iter().map(words).collect()
}

fn holder(holder: &ExplainedHolder) -> String {
    match holder.outcome {
        HolderOutcome::Own => "the account is this subscriber's".to_owned(),
        HolderOutcome::Nobody => "nobody else has the account".to_owned(),
        HolderOutcome::NotSeen => {
            "nobody else has the account, as far as was looked: there are too many endpoints"
                .to_owned()
        }
        HolderOutcome::Another => {
            let subscriber = holder.subscriber.as_deref().unwrap_or("another subscriber");
            let endpoint = holder.endpoint.as_deref().unwrap_or_default();
            format!("{subscriber} has the account, by the endpoint {endpoint}")
        }
    }
}

fn last_seen(link: &ExplainedLink, found: Option<&ExplainedSubscriber>) -> String {
    let ExplainedLink { subscriber, endpoint, seen_at, .. } = link;
    let other = found.is_some_and(|found| found.id != *subscriber);
    let other = if other { "; the chain finds another one now" } else { "" };
    format!("linked to {subscriber} by {endpoint} at {seen_at}{other}")
}

fn answer(answer: &ExpectedAnswer, account: &ExplainedAccount) -> &'static str {
    let unknown = account.outcome == AccountOutcome::NoConversation;
    match answer.outcome {
        AnswerOutcome::Link if unknown => {
            "a link, if the platform then says that the account is a person's"
        }
        AnswerOutcome::Link => "a link",
        AnswerOutcome::AlreadyConnected => "already connected",
        AnswerOutcome::Refused => "refused",
        AnswerOutcome::CannotTell => {
            "cannot be told: let the person write to the bot, and ask again"
        }
    }
}
