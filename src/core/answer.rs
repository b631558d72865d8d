//! What a person is told, before it is put into words.

use std::fmt;

use jiff::Timestamp;

use super::reference::Reference;
use super::refusal::{Reason, Refusal};
use super::workspaces::{ConnectedWorkspace, Outcome};
use crate::net::{HostAllowlist, SecretUrl, UrlRefused};
use crate::novu::SubscriberId;

/// What a person is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Here is the way to sign in.
    SignIn(SignIn),
    /// There is nothing to do: this chat account is connected.
    AlreadyConnected(Link),
    /// Asked for the status: this chat account is not connected.
    NotConnected,
    /// Asked for the status: this is what is connected.
    Status(Status),
    /// The sign-in is done: this chat account is connected.
    Connected(Connected),
    /// Somebody else signed in by the asker's link, and is not connected.
    WrongPerson(WrongPerson),
    /// Told to somebody who signed in by a link that was another person's: nothing is connected by it.
    NotYourLink,
    /// Whether it was the asker who has just signed in cannot be told, so they are asked.
    WasItYou(Reference),
    /// The asker did not say that it was them who signed in, so that sign-in is undone.
    NotConfirmed,
    /// The link can no longer be used, and nobody has signed in by it.
    RunOut,
    /// A newer message has taken the place of this one.
    Replaced,
    /// The connection that this message told of is there no longer.
    NoLongerConnected,
    /// Whether the asker really wants to be disconnected.
    DisconnectWanted(Link),
    /// The chat account is not connected any more, because the asker wanted that.
    Disconnected,
    /// What Novu made of a test notification.
    Tested(Tested),
    /// The answer takes longer than the platform waits and will follow.
    Working,
    /// The first words of the bot to somebody who has just installed it, or who says hello.
    Welcome,
    /// What one can say, after a word that the grammar does not know or on request.
    Help(Option<UnknownCommand>),
    /// Said to somebody who is grateful.
    YouAreWelcome,
    /// The personal page that the message led to is closed: somebody said on it that it is not theirs.
    PageEnded,
    /// Told to an administrator about their workspace.
    Workspace(Box<WorkspaceAnswer>),
    /// No, and why not.
    Refused(Refusal),
}

impl Answer {
    /// The words of the kinds that are no refusals.
    const KINDS: [&'static str; 20] = [
        "sign_in",
        "already_connected",
        "not_connected",
        "status",
        "connected",
        "wrong_person",
        "not_your_link",
        "was_it_you",
        "not_confirmed",
        "run_out",
        "replaced",
        "no_longer_connected",
        "disconnect_wanted",
        "disconnected",
        "tested",
        "page_ended",
        "working",
        "welcome",
        "help",
        "you_are_welcome",
    ];

    /// Every word that [`Answer::name`] gives.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let reasons = Reason::ALL.iter().map(|reason| reason.code());
        Self::KINDS.into_iter().chain(WorkspaceAnswer::NAMES).chain(reasons)
    }

    /// The word for it in metrics and logs: the kind, or a refusal's code.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SignIn(_) => "sign_in",
            Self::AlreadyConnected(_) => "already_connected",
            Self::NotConnected => "not_connected",
            Self::Status(_) => "status",
            Self::Connected(_) => "connected",
            Self::WrongPerson(_) => "wrong_person",
            Self::NotYourLink => "not_your_link",
            Self::WasItYou(_) => "was_it_you",
            Self::NotConfirmed => "not_confirmed",
            Self::RunOut => "run_out",
            Self::Replaced => "replaced",
            Self::NoLongerConnected => "no_longer_connected",
            Self::DisconnectWanted(_) => "disconnect_wanted",
            Self::Disconnected => "disconnected",
            Self::Tested(_) => "tested",
            Self::Working => "working",
            Self::Welcome => "welcome",
            Self::Help(_) => "help",
            Self::YouAreWelcome => "you_are_welcome",
            Self::PageEnded => "page_ended",
            Self::Workspace(answer) => answer.name(),
            Self::Refused(refusal) => refusal.reason.code(),
        }
    }

    /// Whether it is only worth saying in place of the message that it is about, and nothing where that is
    /// out of reach.
    #[must_use]
    pub const fn only_in_place(&self) -> bool {
        match self {
            Self::Replaced => true,
            Self::Workspace(answer) => answer.only_in_place(),
            _ => false,
        }
    }

    /// The refusal that this is, if the same question may be answered a little later. Whoever has been
    /// told to wait is better off with a few more seconds than with a no, but not with half an hour.
    #[must_use]
    pub fn passing(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) if refusal.may_pass_soon() => Some(refusal),
            _ => None,
        }
    }
}

/// A sign-in link, and who signs in as whom.
#[derive(Debug, Clone, PartialEq)]
pub struct SignIn {
    /// The link.
    pub link: SignInLink,
    /// How long it can be used.
    pub lasts: Lasts,
    /// Who signs in as whom.
    pub invitee: Invitee,
}

/// How long a sign-in link can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    /// Novu minted it, and stops accepting it then: five minutes after it was minted (Novu, OAuth
    /// state).
    Minted {
        /// When, by the wall clock.
        until: Timestamp,
    },
    /// It leads to the personal page, which outlives the message, so nobody needs to hurry.
    Page,
}

/// Somebody who may sign in, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitee {
    /// The subscriber that they will be.
    pub subscriber: SubscriberId,
    /// What the subscriber is called, where Novu knows.
    pub subscriber_name: Option<String>,
    /// What the chat account is called, where the platform tells.
    pub chat_name: Option<String>,
}

/// A link that binds whoever opens it to one subscriber, hence as secret as a password.
///
/// Only [`SignInLink::admit`] and [`SignInLink::to_own_page`] make one, so a link that is in
/// anybody's hands leads to the provider or to ourselves. It does not print.
#[derive(Clone, PartialEq)]
pub struct SignInLink(SecretUrl);

impl SignInLink {
    /// Lets a minted URL pass if it leads to one of the provider's hosts.
    ///
    /// # Errors
    /// The rule that the URL breaks.
    pub fn admit(url: SecretUrl, hosts: &HostAllowlist) -> Result<Self, UrlRefused> {
        hosts.check(url.expose())?;
        Ok(Self(url))
    }

    /// A link to a page of our own that asks for a fresh link when its button is pressed.
    #[must_use]
    pub fn to_own_page(url: SecretUrl) -> Self {
        Self(url)
    }

    /// How long the address is, in characters.
    #[must_use]
    pub fn length(&self) -> usize {
        // A URL as it is sent is ASCII.
        self.expose().len()
    }

    /// The address, for the button of a private message.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose().as_str()
    }
}

impl fmt::Debug for SignInLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignInLink(…)")
    }
}

/// A finished link between a chat account and a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The subscriber.
    pub subscriber: SubscriberId,
    /// What the subscriber is called, where Novu knows.
    pub name: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Whether a test notification can be sent over it.
    pub can_test: bool,
}

/// A sign-in that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// The link.
    pub link: Link,
    /// Whether somebody else used the sign-in link, too, and was removed.
    pub stranger_removed: bool,
}

/// Somebody else's use of the asker's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongPerson {
    /// Whether what they had connected is removed by now; otherwise that is still being tried.
    pub removed: bool,
    /// Whether it was an account that the asker's workspace does not know: the asker's own in another
    /// workspace, most likely.
    pub elsewhere: bool,
}

/// What is connected to the asker's subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The asker's own chat account first, then what else is known of the same subscriber.
    pub links: Vec<LinkStatus>,
    /// Where Novu could not be asked: when this was last known to be so.
    pub as_of: Option<Timestamp>,
}

/// One connected chat account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkStatus {
    /// How the platform calls itself.
    pub brand: &'static str,
    /// The name of the workspace or tenant, where it is known.
    pub workspace: Option<String>,
    /// The link.
    pub link: Link,
    /// Whether it is the asker's own chat account, here.
    pub own: bool,
    /// Whether the connection behind it still delivers.
    pub delivers: bool,
}

/// What an administrator is told about their workspace.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkspaceAnswer {
    /// Here is the page from which they go on to the provider.
    Start(WorkspaceStart),
    /// This is what is connected.
    Overview {
        /// The connections of the workspace, at least one.
        connected: Vec<ConnectedWorkspace>,
        /// Whether a connection can get new credentials.
        can_reconnect: bool,
    },
    /// Whether they really want it to be disconnected.
    DisconnectWanted(ConnectedWorkspace),
    /// It is being disconnected, and the end will be told.
    Disconnecting,
    /// The platform does not accept the token of its connection any more.
    TokenDied {
        /// What people call the workspace, where that is known.
        workspace: Option<String>,
        /// Why, in the platform's word.
        why: &'static str,
    },
    /// A request of theirs is over.
    Ended {
        /// What people call the workspace, or its id.
        workspace: String,
        /// What came of it.
        outcome: Outcome,
        /// Whether it was about new credentials for a connection.
        reconnects: bool,
    },
}

/// The page from which an administrator goes on to the provider.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkspaceStart {
    /// What people call the workspace, where that is known.
    pub workspace: Option<String>,
    /// The page.
    pub page: SignInLink,
    /// Whether the workspace is connected, and gets new credentials.
    pub reconnects: bool,
}

impl WorkspaceAnswer {
    /// Every word that [`WorkspaceAnswer::name`] gives.
    const NAMES: [&'static str; 12] = [
        "workspace_start",
        "workspace_token_died",
        "workspace_overview",
        "workspace_disconnect_wanted",
        "workspace_disconnecting",
        "workspace_connected",
        "workspace_wrong_workspace",
        "workspace_wrong_context",
        "workspace_not_finished",
        "workspace_not_started",
        "workspace_replaced",
        "workspace_disconnected",
    ];

    const fn name(&self) -> &'static str {
        match self {
            Self::Start(_) => "workspace_start",
            Self::Overview { .. } => "workspace_overview",
            Self::DisconnectWanted(_) => "workspace_disconnect_wanted",
            Self::Disconnecting => "workspace_disconnecting",
            Self::TokenDied { .. } => "workspace_token_died",
            Self::Ended { outcome, .. } => match outcome {
                Outcome::Connected { .. } => "workspace_connected",
                Outcome::WrongWorkspace { .. } => "workspace_wrong_workspace",
                Outcome::WrongContext { .. } => "workspace_wrong_context",
                Outcome::NotFinished => "workspace_not_finished",
                Outcome::NotStarted => "workspace_not_started",
                Outcome::Replaced => "workspace_replaced",
                Outcome::Disconnected { .. } => "workspace_disconnected",
            },
        }
    }

    /// Whether nobody is told of it anew: a page that nobody has used is nothing to write to somebody about.
    const fn only_in_place(&self) -> bool {
        matches!(self, Self::Ended { outcome: Outcome::NotStarted | Outcome::Replaced, .. })
    }

    /// Whether the message that says so changes later by itself.
    #[must_use]
    pub const fn has_a_sequel(&self) -> bool {
        matches!(self, Self::Start(_) | Self::Disconnecting)
    }
}

/// What became of a test notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tested {
    /// Novu runs the workflow.
    Sent,
    /// Novu took it and does not run it, for instance because the workflow is switched off.
    NotRun,
    /// There was one less than a minute ago.
    TooSoon,
    /// The operator has named no workflow for tests.
    NotOffered,
}

/// Words that the grammar does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCommand {
    /// What was said, shortened. Comes from outside: escape it.
    pub said: String,
    /// The word that was probably meant.
    pub nearest: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_provider_and_does_not_print() {
        let hosts = HostAllowlist::new(["slack.com"], crate::net::Subdomains::Refused).unwrap();
        let url = |text: &str| SecretUrl::new(url::Url::parse(text).unwrap());
        let link = SignInLink::admit(url("https://slack.com/oauth?state=abc"), &hosts).unwrap();
        assert_eq!(format!("{link:?}"), "SignInLink(…)");
        assert!(SignInLink::admit(url("https://slack.com.example/oauth"), &hosts).is_err());
    }
}
