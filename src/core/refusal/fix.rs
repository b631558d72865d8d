//! What an operator can do about each refusal, in one line.

use super::Reason;

impl Reason {
    /// What the operator can do about it, in a line without a full stop.
    #[must_use]
    pub const fn fix(self) -> &'static str {
        match self {
            Self::WorkspaceNotConnected => {
                "let an administrator of the workspace or tenant write connect workspace to the bot, or run workspace \
                 connect"
            }
            Self::ContextMismatch => {
                "prefer a connection with slack.connection or teams.connection, let the identity webhook name \
                 a context that one of them has, or remove the others"
            }
            Self::NotAdministrator => {
                "list the user in slack.administrators or teams.administrators if they may"
            }
            Self::WorkspaceNotAllowed => {
                "add the workspace to slack.workspaces or teams.tenants if it may be connected"
            }
            Self::NoPublicUrl => "set server.public_url to the https address of this service",
            Self::ConnectedAlready => "nothing; run workspace reconnect for new credentials",
            Self::IdentifierTaken => "name another identifier with --connection",
            Self::ContextTaken => {
                "put {workspace} into workspaces.context or workspaces.subscriber, or name others"
            }
            Self::ConsentedAlready => {
                "grant permissions in Entra under Enterprise applications; for a new connection disconnect first"
            }
            Self::SeveralConnections => {
                "say which connection is meant on the command line or by the admin API"
            }
            Self::Undecided => "set workspaces.context or workspaces.subscriber, or name one",
            Self::BadContext => {
                "write each entry as type:id; ids are letters, digits, hyphens and underscores"
            }
            Self::OwnerMissing => "create the subscriber in Novu, or set workspaces.subscriber",
            Self::BeingConnected => {
                "wait until that is over, some six minutes at most, and try again"
            }
            Self::PageChanged => "load the page again",
            Self::IdentityUnknown => "add the person to the table, or extend identity.chain",
            Self::SubscriberMissing => {
                "create the subscriber in Novu, or name the resolver in identity.create_missing"
            }
            Self::EmailUnconfirmed => {
                "Slack: the person confirms the address; Teams: it has to be the user principal name, or use \
                 the table"
            }
            Self::EmailMissing => {
                "Slack: put users:read.email into workspaces.scope and run workspace reconnect; else use the table"
            }
            Self::EmailUnknown => {
                "give the subscriber this address in Novu, or put another resolver behind email"
            }
            Self::EmailAmbiguous => {
                "leave one subscriber with this address in Novu, or put the person into a table before email"
            }
            Self::EmailDomain => "list the domain for this workspace in identity.email_domains",
            Self::Guest => "put the guest into the table",
            Self::External | Self::Bot | Self::Deactivated => "nothing: that is as it should be",
            Self::WebhookRefused => "see what answers at identity.webhook_url",
            Self::WebhookUnavailable => {
                "see what answers at identity.webhook_url; the log says what was wrong with its answer"
            }
            Self::ProfileUnavailable => {
                "see why the platform does not tell; Slack: put users:read into workspaces.scope and run workspace reconnect, or let this machine reach slack.com"
            }
            Self::LinkedElsewhere => {
                "let the person disconnect and connect again, or delete the channel endpoint in Novu"
            }
            Self::Held => {
                "delete the channel endpoint in Novu, or correct identity.chain if the other subscriber is \
                 the right one"
            }
            Self::LinkTooLong => {
                "set server.public_url, or shorten slack.user_scope or the context"
            }
            Self::LinkHost => {
                "look into Novu's settings at once; slack.link_hosts and teams.link_hosts"
            }
            Self::NovuKey => "correct novu.api_key; keys belong to one region",
            Self::NovuIntegration => "correct slack.integration or teams.integration",
            Self::NovuRejected => "see Novu's own words in the log",
            Self::NovuBusy => "wait a moment, or raise Novu's limits",
            Self::NovuUnavailable | Self::NovuTimeout => "see Novu; the log has the cause",
            Self::NovuNonsense => "is novu.api_url the API, not the dashboard?",
            Self::TooOften => "nothing: it passes within seconds",
            Self::Busy => "see why answers are not delivered: Novu, Slack or Teams",
            Self::StoreUnavailable => "see what /readyz and the log say of the store",
            Self::Broken => "report the panic that the log has",
            Self::Restarting => "nothing: the person asks again",
            Self::Incomplete => {
                "use {workspace} in place of {team} in identity.template; is there a proxy that changes bodies?"
            }
        }
    }
}
