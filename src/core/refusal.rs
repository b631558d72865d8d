//! Why a person is refused: each reason with its code, and what follows from it.

mod fix;

use std::time::Duration;

use crate::novu::Error;
use crate::store::StoreError;

/// The longest time that somebody can ask us to wait and still be waited for in a person's stead.
const WORTH_WAITING: Duration = Duration::from_secs(30);

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

/// What a person is told whose question needs the store, which says itself why it does not answer.
impl From<StoreError> for Refusal {
    fn from(_: StoreError) -> Self {
        Reason::StoreUnavailable.into()
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

            /// What it means, in a sentence for the operator.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
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
    /// Only an administrator may do this, and the asker is none as far as can be told.
    NotAdministrator = "C-NOT-ADMIN",
    /// The operator does not let this workspace be connected.
    WorkspaceNotAllowed = "C-NOT-ALLOWED",
    /// Workspaces are connected by a page, and the service has no address for pages.
    NoPublicUrl = "C-NO-PAGE",
    /// The workspace is connected already.
    ConnectedAlready = "C-CONNECTED",
    /// Novu has a connection with the wanted identifier, and it is another workspace's or integration's.
    IdentifierTaken = "C-IDENTIFIER-TAKEN",
    /// Another workspace is connected with the same owner and context, and Novu would take its place.
    ContextTaken = "C-CONTEXT-TAKEN",
    /// A tenant that has consented cannot do so again.
    ConsentedAlready = "C-CONSENTED",
    /// The workspace has several connections, and nothing says which one is meant.
    SeveralConnections = "C-SEVERAL",
    /// Neither a context nor an owner of the connection is decided.
    Undecided = "C-UNDECIDED",
    /// What was typed is no context that Novu takes.
    BadContext = "C-BAD-CONTEXT",
    /// The subscriber that should own the connection does not exist in Novu.
    OwnerMissing = "C-OWNER",
    /// The workspace is being connected or disconnected by somebody else.
    BeingConnected = "C-BEING-CONNECTED",
    /// The page was used meanwhile, by somebody else or in another window.
    PageChanged = "C-PAGE-CHANGED",
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

    /// Whether the same person may get a link later by asking once more, without anything said to them
    /// meanwhile: a button that asks again helps.
    #[must_use]
    pub const fn can_pass(self) -> bool {
        matches!(
            self,
            Self::NovuBusy
                | Self::NovuUnavailable
                | Self::NovuTimeout
                | Self::NovuNonsense
                | Self::ProfileUnavailable
                | Self::WebhookUnavailable
                | Self::StoreUnavailable
                | Self::Held
                | Self::Busy
                | Self::Broken
                | Self::Restarting
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
                | Self::NoPublicUrl
                | Self::WebhookUnavailable
                | Self::ProfileUnavailable
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Answer;

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
    fn every_reason_has_a_meaning_and_a_fix_in_whole_sentences() {
        for reason in Reason::ALL {
            let (meaning, fix) = (reason.meaning(), reason.fix());
            assert!(meaning.ends_with('.') && !meaning.contains("  "), "{reason:?}: {meaning}");
            assert!(!fix.is_empty() && !fix.ends_with('.'), "{reason:?}: {fix}");
        }
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
}
