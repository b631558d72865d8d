//! What the audit takes note of.

use crate::store::Owner;

/// Declares the kinds of events, each with the word that stands in its lines. A word never changes its
/// meaning.
macro_rules! kinds {
    ($($(#[$note:meta])* $name:ident = $word:literal;)+) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$note])* $name,)+
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its word in a line.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }
        }
    };
}

kinds! {
    /// A chat account was linked to a subscriber, by the person whose link it was.
    Linked = "linked";
    /// Somebody else used a person's link.
    Refused = "refused";
    /// A link was removed: by the service, which found it to be wrong, or by an administrator.
    Removed = "removed";
    /// A person disconnected their own account.
    Disconnected = "disconnected";
    /// An administrator connected a workspace.
    WorkspaceConnected = "workspace_connected";
    /// Somebody connected another workspace than an administrator wanted, or otherwise than wanted.
    WorkspaceRefused = "workspace_refused";
    /// An administrator disconnected a workspace.
    WorkspaceDisconnected = "workspace_disconnected";
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The person that the line is about.
    Person,
    /// The service by itself.
    Service,
    /// An administrator, by the name of their token.
    Administrator(String),
}

impl Actor {
    pub(super) fn word(&self) -> String {
        match self {
            Self::Person => "person".to_owned(),
            Self::Service => "service".to_owned(),
            Self::Administrator(name) => format!("administrator:{name}"),
        }
    }
}

/// Something that happened. People are named by whom the store keeps something for, so that nobody's id
/// gets here.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened.
    pub kind: Kind,
    /// Who did it.
    pub actor: Actor,
    /// The platform's name.
    pub platform: String,
    /// Whom it is about, where it is about a person: who asked for the link.
    pub person: Option<Owner>,
    /// Whoever else it is about: who used the link.
    pub other: Option<Owner>,
    /// The subscriber's id in Novu. Only a pseudonym of it stands in the line.
    pub subscriber: Option<String>,
    /// The identifier of the channel endpoint.
    pub endpoint: Option<String>,
    /// The id of the workspace or tenant, where it is about one as a whole.
    pub workspace: Option<String>,
    /// The identifier of the channel connection, where it is about one.
    pub connection: Option<String>,
    /// The reference of the answer that it belongs to.
    pub reference: Option<String>,
    /// Why, in the words of the administrator who did it. Nobody is named in it.
    pub reason: Option<String>,
}

impl Event {
    /// An event on a platform, of which nothing else is known.
    #[must_use]
    pub fn new(kind: Kind, actor: Actor, platform: &str) -> Self {
        Self {
            kind,
            actor,
            platform: platform.to_owned(),
            person: None,
            other: None,
            subscriber: None,
            endpoint: None,
            workspace: None,
            connection: None,
            reference: None,
            reason: None,
        }
    }
}
