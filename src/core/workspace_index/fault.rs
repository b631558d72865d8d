//! What is wrong with an integration though Novu's connections can be read.

use crate::core::refusal::Reason;

/// What is wrong with an integration. It does not pass by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The key's environment does not have it.
    Unknown,
    /// It is another provider's.
    WrongProvider,
    /// No workspace is connected to it.
    NoConnections,
}

impl Fault {
    /// Its word in readiness.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown_integration",
            Self::WrongProvider => "wrong_provider",
            Self::NoConnections => "no_connections",
        }
    }

    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Unknown, Self::WrongProvider, Self::NoConnections];

    /// Whether the service cannot do anything before the operator has mended it. Without connections it
    /// has work to do: administrators connect their workspaces through it.
    pub(super) const fn stops_service(self) -> bool {
        !matches!(self, Self::NoConnections)
    }

    /// What the operator can do.
    pub(super) const fn advice(self) -> &'static str {
        match self {
            Self::Unknown => {
                "correct the integration's identifier in the configuration, and check that \
                 novu.api_key is a key of its environment"
            }
            Self::WrongProvider => {
                "name the identifier of this platform's integration in the configuration; this one \
                 belongs to another provider"
            }
            Self::NoConnections => Reason::WorkspaceNotConnected.fix(),
        }
    }
}
