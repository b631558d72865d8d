//! What a person is told, before it is put into words.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::reference::Reference;
use crate::net::{HostAllowlist, SecretUrl, UrlRefused};
use crate::novu::{Error, SubscriberId};

/// How long Novu accepts a link that it minted (Novu, OAuth state).
pub const LINK_LIFETIME: Duration = Duration::from_mins(5);
/// The longest time that somebody can ask us to wait and still be waited for in a person's stead.
const WORTH_WAITING: Duration = Duration::from_secs(30);

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
        Self::KINDS.into_iter().chain(Reason::ALL.iter().map(|reason| reason.code()))
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
            Self::Refused(refusal) => refusal.reason.code(),
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
/// Only [`SignInLink::admit`] and [`SignInLink::to_personal_page`] make one, so a link that is in
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

    /// A link to the page of our own that asks for a fresh link when it is pressed.
    #[must_use]
    pub fn to_personal_page(url: SecretUrl) -> Self {
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

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// The operator's own sentence, which then stands in place of ours. Comes from outside.
    pub sentence: Option<String>,
    /// When asking again can help, where that is known.
    pub retry_after: Option<Duration>,
    /// Whether it is known that asking again soon cannot help, though the reason is one that passes.
    pub lasting: bool,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason, sentence: None, retry_after: None, lasting: false }
    }
}

/// What a person is told when Novu fails.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (reason, retry_after) = match error {
            Error::BadKey => (Reason::NovuKey, None),
            Error::UnknownIntegration => (Reason::NovuIntegration, None),
            Error::UnknownSubscriber => (Reason::SubscriberMissing, None),
            Error::Rejected { .. }
            | Error::ContextHmac(_)
            | Error::UnknownConnection
            | Error::UnknownEndpoint
            | Error::Unsendable(_) => (Reason::NovuRejected, None),
            Error::Throttled { retry_after } => (Reason::NovuBusy, retry_after),
            Error::Unavailable { retry_after } => (Reason::NovuUnavailable, retry_after),
            Error::TimedOut => (Reason::NovuTimeout, None),
            Error::Nonsense(_) => (Reason::NovuNonsense, None),
        };
        Self { retry_after, ..reason.into() }
    }
}

impl Refusal {
    /// Whether the same question may be answered a little later.
    pub(super) fn may_pass_soon(&self) -> bool {
        let passing = matches!(
            self.reason,
            Reason::NovuBusy | Reason::NovuUnavailable | Reason::ProfileUnavailable
        );
        passing && !self.lasting && self.retry_after.is_none_or(|pause| pause <= WORTH_WAITING)
    }
}

/// Declares the reasons once: variant, code, meaning. Everything that lists them is made from it.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal,)+) => {
        /// Why a request was refused. The codes are stable: people quote them, logs and the
        /// documentation carry them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable code, which is also its key in the message catalogue.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }
    };
}

reasons! {
    /// The workspace has no channel connection in Novu: an administrator has to connect it.
    WorkspaceNotConnected = "C-WORKSPACE",
    /// Nothing says which of the workspace's connections is meant, or the identity webhook named a
    /// context that none of them has.
    ContextMismatch = "C-CONTEXT",
    /// No resolver knows this person.
    IdentityUnknown = "C-IDENTITY",
    /// The subscriber that this person should be does not exist in Novu.
    SubscriberMissing = "C-SUBSCRIBER",
    /// The person's e-mail address is not confirmed on the chat platform.
    EmailUnconfirmed = "C-EMAIL-UNCONFIRMED",
    /// The platform tells no e-mail address for this person.
    EmailMissing = "C-EMAIL-MISSING",
    /// Nobody in Novu has the person's e-mail address.
    EmailUnknown = "C-EMAIL-UNKNOWN",
    /// Several subscribers in Novu have the person's e-mail address.
    EmailAmbiguous = "C-EMAIL-AMBIGUOUS",
    /// The person's e-mail address is not in a domain that counts for their workspace.
    EmailDomain = "C-EMAIL-DOMAIN",
    /// Guests are not matched by e-mail.
    Guest = "C-GUEST",
    /// The person belongs to another organisation.
    External = "C-EXTERNAL",
    /// The account is not a person's.
    Bot = "C-BOT",
    /// The account has been switched off.
    Deactivated = "C-DEACTIVATED",
    /// The operator's identity webhook said no.
    WebhookRefused = "C-WEBHOOK-REFUSED",
    /// The operator's identity webhook gave no usable answer.
    WebhookUnavailable = "C-WEBHOOK-DOWN",
    /// The chat platform did not tell who the person is.
    ProfileUnavailable = "C-PROFILE",
    /// The chat account is linked, but over a connection that Novu cannot deliver through.
    LinkedElsewhere = "C-LINKED-ELSEWHERE",
    /// Another subscriber holds the chat account, so Novu would fail after the sign-in.
    Held = "C-HELD",
    /// The link is longer than a button can hold.
    LinkTooLong = "C-LINK-LENGTH",
    /// Novu minted a link to a host that is not the provider's.
    LinkHost = "C-LINK-HOST",
    /// Novu does not accept the service's key.
    NovuKey = "C-NOVU-KEY",
    /// Novu does not know the configured integration.
    NovuIntegration = "C-NOVU-INTEGRATION",
    /// Novu rejected the request.
    NovuRejected = "C-NOVU-REJECTED",
    /// Novu asks to slow down.
    NovuBusy = "C-NOVU-BUSY",
    /// Novu cannot be reached or reports a failure of its own.
    NovuUnavailable = "C-NOVU-DOWN",
    /// Novu did not answer in time.
    NovuTimeout = "C-NOVU-SLOW",
    /// Novu's answer cannot be understood.
    NovuNonsense = "C-NOVU-ANSWER",
    /// The person asks too often.
    TooOften = "C-TOO-OFTEN",
    /// The service has too much to do to promise an answer.
    Busy = "C-BUSY",
    /// What has to be remembered cannot be stored at the moment.
    StoreUnavailable = "C-STORE",
    /// Something in the service itself broke while the answer was made.
    Broken = "C-BROKEN",
    /// The service ends before it could find an answer.
    Restarting = "C-RESTARTING",
    /// The request is genuine but lacks what it needs.
    Incomplete = "C-INCOMPLETE",
}

impl Reason {
    /// Whether it is Novu that could not be asked.
    #[must_use]
    pub(super) const fn is_novus(self) -> bool {
        matches!(
            self,
            Self::NovuKey
                | Self::NovuIntegration
                | Self::NovuRejected
                | Self::NovuBusy
                | Self::NovuUnavailable
                | Self::NovuTimeout
                | Self::NovuNonsense
        )
    }

    /// Whether something is wrong here or with another system, so that an operator should look; such
    /// refusals are logged as warnings.
    #[must_use]
    pub const fn needs_operator(self) -> bool {
        matches!(
            self,
            Self::NovuKey
                | Self::NovuIntegration
                | Self::NovuRejected
                | Self::NovuBusy
                | Self::NovuUnavailable
                | Self::NovuTimeout
                | Self::NovuNonsense
                | Self::Busy
                | Self::Broken
                | Self::StoreUnavailable
                | Self::LinkHost
                | Self::LinkTooLong
                | Self::LinkedElsewhere
                | Self::Held
                | Self::ContextMismatch
                | Self::EmailDomain
                | Self::WebhookUnavailable
                | Self::ProfileUnavailable
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_well_formed() {
        let mut codes: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(codes.iter().all(|code| code.starts_with("C-")
            && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')));
    }

    #[test]
    fn what_does_not_pass_is_not_waited_for() {
        let unavailable = Refusal::from(Reason::ProfileUnavailable);
        let after = |seconds| Some(Duration::from_secs(seconds));
        for (refusal, passes) in [
            (unavailable.clone(), true),
            (Refusal { retry_after: after(30), ..unavailable.clone() }, true),
            (Refusal { retry_after: after(31), ..unavailable.clone() }, false),
            (Refusal { lasting: true, ..unavailable }, false),
            (Reason::External.into(), false),
        ] {
            assert_eq!(Answer::Refused(refusal.clone()).passing().is_some(), passes, "{refusal:?}");
        }
    }

    #[test]
    fn a_link_leads_to_the_provider_and_does_not_print() {
        let hosts = HostAllowlist::new(["slack.com"], crate::net::Subdomains::Refused).unwrap();
        let url = |text: &str| SecretUrl::new(url::Url::parse(text).unwrap());
        let link = SignInLink::admit(url("https://slack.com/oauth?state=abc"), &hosts).unwrap();
        assert_eq!(format!("{link:?}"), "SignInLink(…)");
        assert!(SignInLink::admit(url("https://slack.com.example/oauth"), &hosts).is_err());
    }
}
