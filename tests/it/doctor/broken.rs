//! Set-ups in which one thing is wrong, and the check that has to name it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connect_sandbox::bot_connector;
use connect_sandbox::novu::Integration;
use connect_sandbox::slack::Team;
use connect_sandbox::teams::Tenant;
use connect_sandbox::{Effect, Failure, Fault, Route};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd};

use super::front::{self, nobody};
use super::world::{WEBHOOK_SECRET, World, tenant};
use crate::bot::teams::{ACME, INTEGRATION as TEAMS_INTEGRATION};
use crate::bot::{BOT_TOKEN, CONNECTION, INTEGRATION, TEAM};

/// A set-up in which one thing is wrong.
pub(super) struct Broken {
    pub(super) what: &'static str,
    pub(super) check: &'static str,
    pub(super) severity: &'static str,
    /// How far the clocks of all others are ahead.
    pub(super) ahead: Duration,
    /// Breaks what was right.
    pub(super) by: fn(&mut World),
}

const fn failure(what: &'static str, check: &'static str, by: fn(&mut World)) -> Broken {
    Broken { what, check, severity: "failure", ahead: Duration::ZERO, by }
}

const fn warning(what: &'static str, check: &'static str, by: fn(&mut World)) -> Broken {
    Broken { severity: "warning", ..failure(what, check, by) }
}

pub(super) static SETUPS: &[Broken] = &[
    warning("a value that is seldom meant", "config.values", |world| {
        world.set("NOVU__TIMEOUT", "8s");
    }),
    failure("Novu is away", "novu.reachable", |world| world.set("NOVU__API_URL", nobody())),
    failure("a proxy answers in Novu's place", "novu.reachable", |world| {
        world.novu.fault(Fault::new(Route::any(), Effect::ProxyPage));
    }),
    failure("novu.api_url is something else", "novu.reachable", |world| {
        let url = world.slack.url().to_owned();
        world.set("NOVU__API_URL", url);
    }),
    failure("Novu hangs", "novu.reachable", |world| {
        world.novu.fault(Fault::new(Route::any(), Effect::Slow(Duration::from_secs(5))));
    }),
    failure("Novu asks to slow down", "novu.rate_limit", |world| {
        let effect = Effect::Fail(Failure::throttled(60));
        world.novu.fault(Fault::new(Route::any(), effect));
    }),
    failure("a wrong key", "novu.key", |world| world.set("NOVU__API_KEY", "canary-of-another")),
    failure("nobody listens at the public address", "server.public_url", |world| {
        world.set("SERVER__PUBLIC_URL", nobody());
    }),
    failure("the public address leads elsewhere", "server.public_url", |world| {
        world.behind(|_| Some(StatusCode::PERMANENT_REDIRECT));
    }),
    failure("something else has the public address", "server.public_url", |world| {
        let url = world.slack.url().to_owned();
        world.set("SERVER__PUBLIC_URL", url);
    }),
    failure("a certificate that nobody trusts", "server.tls", |world| {
        world.settings.remove("SSL_CERT_FILE");
    }),
    warning("the operators' figures are public", "server.ops_private", |world| {
        let ops = world.ops.clone();
        let url = front::proxy(&world.inside, move |passing| {
            if passing.path == "/metrics" {
                passing.to.clone_from(&ops);
            }
            None
        });
        world.set("SERVER__PUBLIC_URL", url);
    }),
    Broken {
        ahead: Duration::from_mins(10),
        ..failure("this machine's clock is behind", "server.clock", |_| {})
    },
    Broken {
        ahead: Duration::from_mins(3),
        ..warning("this machine's clock is a little behind", "server.clock", |_| {})
    },
    warning("few files may be open", "server.files", |world| world.open_files = Some(100)),
    warning("a store in memory", "store.durable", |world| world.set("STORE__URL", "memory")),
    failure("no directory for the store", "store.open", |world| {
        world.set("STORE__URL", "sqlite:/nowhere/store.db");
    }),
    failure("a file that is no store", "store.open", |world| {
        let file = world.path("notes.txt");
        std::fs::write(&file, "no database ".repeat(100)).unwrap();
        world.set("STORE__URL", format!("sqlite:{}", file.display()));
    }),
    failure("a key file that everybody can read", "store.keys", |world| {
        let everybody = Permissions::from_mode(0o644);
        std::fs::set_permissions(world.path("store.db.key"), everybody).unwrap();
    }),
    warning("a table without people of Teams", "identity.table", |world| {
        let rows = "platform,workspace,user,subscriber\nslack,T0ACME,U0ADA,ada\n";
        std::fs::write(world.path("people.csv"), rows).unwrap();
    }),
    failure("the webhook fails", "identity.webhook", |world| {
        world.set("IDENTITY__WEBHOOK_URL", front::webhook(WEBHOOK_SECRET, 500, 500));
    }),
    failure("the webhook has another key", "identity.webhook", |world| {
        world.set("IDENTITY__WEBHOOK_SECRET", "canary-webhook-secret-of-somebody-else");
    }),
    failure("the webhook is away", "identity.webhook", |world| {
        world.set("IDENTITY__WEBHOOK_URL", nobody());
    }),
    warning("the webhook believes everybody", "identity.webhook_signature", |world| {
        world.set("IDENTITY__WEBHOOK_URL", front::webhook(WEBHOOK_SECRET, 204, 204));
    }),
    failure("Novu cannot search", "identity.email_search", |world| {
        let effect = Effect::status(StatusCode::INTERNAL_SERVER_ERROR);
        world.novu.fault(Fault::new(Route::get("/v2/subscribers"), effect));
    }),
    failure("Novu finds everybody", "identity.email_search", |world| {
        let everybody = serde_json::json!([{ "subscriberId": "somebody" }]);
        let effect = Effect::changed("/data", everybody);
        world.novu.fault(Fault::new(Route::get("/v2/subscribers"), effect));
    }),
    failure("no integration of Slack", "slack.integration", |world| {
        world.set("SLACK__INTEGRATION", "slack-of-another");
    }),
    failure("an integration of another provider", "slack.integration_provider", |world| {
        world.set("SLACK__INTEGRATION", TEAMS_INTEGRATION);
    }),
    failure("an integration that is switched off", "slack.integration_active", |world| {
        world.novu.add_integration(Integration { active: false, ..slack() });
    }),
    failure("contexts are not signed", "slack.hmac", |world| {
        world.novu.add_integration(Integration { hmac: true, ..slack() });
    }),
    failure("a connection without anything to sign", "slack.hmac", |world| {
        world.novu.add_integration(Integration { hmac: true, ..slack() });
        world.set("NOVU__CONTEXT_HMAC", "true");
    }),
    failure("no workspace is connected", "slack.connections", |world| {
        world.novu.add_integration(Integration { identifier: "slack-new".to_owned(), ..slack() });
        world.set("SLACK__INTEGRATION", "slack-new");
    }),
    warning("a preferred connection that is not there", "slack.connection_pinned", |world| {
        world.set("SLACK__CONNECTION", "acme-of-last-year");
    }),
    warning("two contexts of one workspace", "slack.connection_context", |world| {
        for name in ["WEBHOOK_URL", "WEBHOOK_SECRET"] {
            world.unset(&format!("IDENTITY__{name}"));
        }
        world.set("IDENTITY__CHAIN", "table,email,template");
        world.novu.add_connection(crate::bot::connection("acme-eu", TEAM, &["tenant:eu"])).unwrap();
    }),
    warning("two workspaces and no e-mail domains", "slack.email_domains", |world| {
        world.open_workspace("T0OTHER", &[]);
        world.set("IDENTITY__EMAIL_DOMAINS", "T0ACME=acme.example");
    }),
    failure("Slack is away", "slack.api", |world| {
        world.set("SLACK__API_URL", format!("{}/api", nobody()));
    }),
    failure("a token that has expired", "slack.token_rotation", |world| {
        let _ = world.slack.rotate_token(TEAM);
    }),
    warning("tokens rotate", "slack.token_rotation", |world| {
        let token = world.slack.rotate_token(TEAM);
        world.novu.set_token(CONNECTION, &token);
    }),
    failure("a token that was revoked", "slack.connection_token", |world| {
        world.slack.kill_token(BOT_TOKEN, "token_revoked");
    }),
    failure("a wrong slack.bot_token", "slack.connection_token", |world| {
        world.set("SLACK__BOT_TOKEN", "xoxb-canary-of-another");
    }),
    failure("a token of another workspace", "slack.connection_workspace", |world| {
        let other = "xoxb-canary-token-T0OTHER";
        let team = Team { bot_token: other.to_owned(), ..Team::new("T0OTHER", "Other") };
        world.slack.add_team(team);
        world.novu.set_token(CONNECTION, other);
    }),
    failure("a token without the scope of the command", "slack.scopes", |world| {
        world.slack.set_scopes(TEAM, &["chat:write", "users:read", "users:read.email"]);
    }),
    failure("a token without the scope for addresses", "slack.email_scope", |world| {
        world.slack.set_scopes(TEAM, &["commands", "chat:write", "users:read"]);
    }),
    failure("Slack does not say who people are", "slack.profiles", |world| {
        let failure = Failure {
            message: Some("ekm_access_denied".to_owned()),
            ..Failure::new(StatusCode::OK)
        };
        let route = Route::path("/api/users.info");
        world.slack.fault(Fault::new(route, Effect::Fail(failure)));
    }),
    failure("a proxy without the command's path", "slack.commands_path", |world| {
        world
            .behind(|passing| (passing.path == "/slack/commands").then_some(StatusCode::NOT_FOUND));
    }),
    failure("a proxy that takes headers away", "slack.signature_headers", |world| {
        world.behind(|passing| {
            passing.headers.remove("x-slack-signature");
            passing.headers.remove("x-slack-request-timestamp");
            None
        });
    }),
    failure("the service has another signing secret", "slack.signing_secret", |world| {
        world.set("SLACK__SIGNING_SECRETS", "00112233445566778899aabbccddeeff");
    }),
    failure("a proxy that changes the content type", "slack.signing_secret", |world| {
        world.behind(|passing| {
            passing.headers.insert("content-type", "text/plain".parse().unwrap());
            None
        });
    }),
    failure("a proxy that writes forms anew", "slack.body_unchanged", |world| {
        world.behind(|passing| {
            let form: Vec<_> = form_urlencoded::parse(&passing.body).into_owned().collect();
            let anew = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            passing.body = anew.into_bytes();
            None
        });
    }),
    failure("a proxy without interactivity's path", "slack.interactions_path", |world| {
        world.behind(|passing| {
            (passing.path == "/slack/interactions").then_some(StatusCode::FORBIDDEN)
        });
    }),
    failure("no integration of Teams", "teams.integration", |world| {
        world.set("TEAMS__INTEGRATION", "teams-of-another");
    }),
    failure("Slack's integration for Teams", "teams.integration_provider", |world| {
        world.set("TEAMS__INTEGRATION", INTEGRATION);
    }),
    failure("no tenant is connected", "teams.connections", |world| {
        let new =
            Integration { identifier: "teams-new".to_owned(), ..Integration::bare("", "msteams") };
        world.novu.add_integration(new);
        world.set("TEAMS__INTEGRATION", "teams-new");
    }),
    failure("Entra is away", "teams.login", |world| {
        world.set("TEAMS__TOKEN_URL", format!("{}/home/oauth2/v2.0/token", nobody()));
    }),
    failure("a wrong client secret", "teams.credentials", |world| {
        world.set("TEAMS__APP_SECRET", "teams~canary-of-another");
    }),
    failure("a client secret that has ended", "teams.credentials", |world| {
        world.teams.expire_secret(true);
    }),
    failure("a certificate that Entra does not know", "teams.credentials", |world| {
        certify(world, 2049);
        world.teams.register_certificates(&[]).unwrap();
    }),
    failure("a certificate that has ended", "teams.certificate", |world| certify(world, 2020)),
    failure("a tenant that has not consented", "teams.consent", |world| {
        world.teams.add_tenant(Tenant { consented: false, ..Tenant::new(ACME, "Acme") });
    }),
    failure("a tenant that is gone", "teams.consent", |world| {
        world.novu.add_connection(tenant("gone", "tenant-gone")).unwrap();
        world.set("IDENTITY__EMAIL_DOMAINS", "tenant-gone=*,tenant-acme=*");
    }),
    failure("an app without a permission", "teams.permissions", |world| {
        let permissions = vec!["AppCatalog.Read.All".to_owned()];
        world.teams.add_tenant(Tenant { permissions, ..Tenant::new(ACME, "Acme") });
    }),
    failure("the Bot Connector's keys are gone", "teams.keys", |world| {
        world.teams.keys().fail(Some(bot_connector::Fault::NoKeys));
    }),
    failure("a proxy without the bot's path", "teams.messages_path", |world| {
        world.behind(|passing| {
            (passing.path == "/api/messages").then_some(StatusCode::UNAUTHORIZED)
        });
    }),
];

fn slack() -> Integration {
    Integration::slack(INTEGRATION, "canary-client", "canary-secret")
}

/// Gives the command a certificate in place of the secret, which Entra knows and which ends in May of a year.
fn certify(world: &mut World, year: i32) {
    let pem = |label: &str, der: &[u8]| {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    };
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2019, 5, 1);
    params.not_after = date_time_ymd(year, 5, 1);
    let certificate = pem("CERTIFICATE", params.self_signed(&key).unwrap().der());
    std::fs::write(world.path("bot.crt"), &certificate).unwrap();
    std::fs::write(world.path("bot.key"), pem("PRIVATE KEY", &key.serialize_der())).unwrap();
    world.teams.register_certificates(&[&certificate]).unwrap();
    let (certificate, key) = (world.path("bot.crt"), world.path("bot.key"));
    world.unset("TEAMS__APP_SECRET");
    world.set("TEAMS__APP_CERTIFICATE", certificate.display().to_string());
    world.set("TEAMS__APP_CERTIFICATE_KEY", key.display().to_string());
}
