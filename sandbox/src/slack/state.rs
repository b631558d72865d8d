//! What the stand-in Slack knows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::call::Refusal;
use super::code::Code;
use super::model::{Channel, Message, Team, User};
use super::response_url::ResponseUrl;

/// What a token may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) team_id: String,
    pub(super) scopes: BTreeSet<String>,
    /// The error that this token meets, once it is no good any more.
    pub(super) dead: Option<&'static str>,
}

/// All workspaces and what happened in them.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) teams: BTreeMap<String, Team>,
    pub(super) users: BTreeMap<String, User>,
    pub(super) channels: HashMap<String, Channel>,
    pub(super) grants: HashMap<String, Grant>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) response_urls: HashMap<String, ResponseUrl>,
    pub(super) messages: Vec<Message>,
    /// How many of the messages somebody has looked at.
    pub(super) read: usize,
    keeps_messages: bool,
    counter: u64,
}

impl State {
    pub(super) fn new(keeps_messages: bool) -> Self {
        Self { keeps_messages, ..Self::default() }
    }

    /// A text that was not given out before.
    pub(super) fn unique(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}{:010}", self.counter)
    }

    /// A message id: seconds, then microseconds that tell messages of one second apart.
    pub(super) fn stamp(&mut self, now: Timestamp) -> String {
        self.counter += 1;
        format!("{}.{:06}", now.as_second(), self.counter % 1_000_000)
    }

    pub(super) fn keep(&mut self, message: Message) {
        if self.keeps_messages {
            self.messages.push(message);
        }
    }

    /// Takes a message away for another one in its place. Gives it.
    pub(super) fn replace(&mut self, ts: &str) -> Option<Message> {
        let message = self.messages.iter_mut().find(|it| it.ts == ts && !it.is_replaced)?;
        message.is_replaced = true;
        Some(message.clone())
    }

    /// Keeps a message that somebody looks at already.
    pub(super) fn keep_read(&mut self, message: Message) {
        let all_read = self.read == self.messages.len();
        self.keep(message);
        if all_read {
            self.read = self.messages.len();
        }
    }

    /// Makes the workspace's bot token valid; scopes only ever grow.
    pub(super) fn install(&mut self, team_id: &str, scopes: &[String]) {
        let Some(team) = self.teams.get_mut(team_id) else { return };
        team.installed = true;
        let fresh = Grant { team_id: team.id.clone(), scopes: BTreeSet::new(), dead: None };
        let grant = self.grants.entry(team.bot_token.clone()).or_insert(fresh);
        grant.dead = None;
        grant.scopes.extend(scopes.iter().cloned());
    }

    /// What a token may do.
    pub(super) fn grant(&self, token: Option<&str>) -> Result<Grant, Refusal> {
        let token = token.ok_or(Refusal::new("not_authed"))?;
        let grant = self.grants.get(token).ok_or(Refusal::new("invalid_auth"))?;
        match grant.dead {
            Some(error) => Err(Refusal::new(error)),
            None => Ok(grant.clone()),
        }
    }
}
