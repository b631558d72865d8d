//! What a genuine activity can lack.

/// Why an activity cannot be served although it is genuine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Incomplete {
    /// The body is no JSON object.
    #[error("the body is no activity")]
    NotAnActivity,
    /// There is no conversation to answer in.
    #[error("the activity names no conversation")]
    NoConversation,
    /// There is no connector to answer through.
    #[error("the activity names no service URL")]
    NoServiceUrl,
    /// Nobody sent it.
    #[error("the activity names no sender")]
    NoSender,
    /// It is not known which tenant it belongs to.
    #[error("the activity names no tenant")]
    NoTenant,
    /// It names two tenants, and one of them is wrong.
    #[error("the activity names two tenants")]
    TwoTenants,
}

impl Incomplete {
    /// Every lack there is.
    pub(crate) const ALL: [Self; 6] = [
        Self::NotAnActivity,
        Self::NoConversation,
        Self::NoServiceUrl,
        Self::NoSender,
        Self::NoTenant,
        Self::TwoTenants,
    ];

    /// The word for it in metrics and logs.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NotAnActivity => "not_an_activity",
            Self::NoConversation => "no_conversation",
            Self::NoServiceUrl => "no_service_url",
            Self::NoSender => "no_sender",
            Self::NoTenant => "no_tenant",
            Self::TwoTenants => "two_tenants",
        }
    }
}
