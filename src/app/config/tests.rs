//! A configuration as a whole: its sections and their contradictions.

mod example;
mod store;

use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use url::Url;

use super::*;
use crate::config::KeyInfo;
use crate::core::resolve::{ResolverKind, Template};
use crate::teams::config::AppCredential;

/// The least that makes a configuration.
const LEAST: [(&str, &str); 3] = [
    ("CONNECT_NOVU__API_KEY", "novu-key"),
    ("CONNECT_SLACK__SIGNING_SECRETS", "0123456789abcdef0123456789abcdef"),
    ("CONNECT_SLACK__INTEGRATION", "slack"),
];

/// What the section `teams` needs beside that.
const TEAMS_LEAST: [(&str, &str); 3] = [
    ("CONNECT_TEAMS__APP_ID", "0b1f7a3e-5b1c-4f52-9a43-0d2c5a9e7f10"),
    ("CONNECT_TEAMS__APP_SECRET", "teams-secret"),
    ("CONNECT_TEAMS__INTEGRATION", "teams"),
];

fn no_files(_: &Path) -> io::Result<String> {
    Err(io::ErrorKind::NotFound.into())
}

/// Loads the least configuration with further variables; an empty pair of brackets unsets one.
fn load(file: Option<&str>, more: &[(&str, &str)]) -> Result<Config, Problems> {
    let mut env: HashMap<_, _> = LEAST.into();
    for (name, value) in more {
        if *value == "[]" {
            env.remove(name)
        } else {
            env.insert(name, value)
        };
    }
    let env = env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Config::load(file, env, &no_files)
}

/// What a platform's section says.
fn settings<T: SurfaceSettings + Clone>(config: &Config) -> T {
    let mut of_all = config.surfaces.iter().map(|settings| &**settings as &dyn Any);
    of_all.find_map(|settings| settings.downcast_ref::<T>()).unwrap().clone()
}

fn slack_settings(config: &Config) -> slack::config::Settings {
    settings(config)
}

fn teams_settings(config: &Config) -> teams::config::Settings {
    settings(config)
}

/// Every key there is.
fn keys() -> impl Iterator<Item = &'static KeyInfo> {
    sections().into_iter().flat_map(|section| section.keys.iter().copied())
}

#[track_caller]
fn problems(file: Option<&str>, more: &[(&str, &str)]) -> Vec<String> {
    load(file, more).unwrap_err().iter().map(ToString::to_string).collect()
}

/// Asserts that exactly one problem comes of it, which names `subject` and says `words`.
#[track_caller]
fn one_problem(more: &[(&str, &str)], subject: &str, words: &str) {
    let problems = problems(None, more);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains(subject) && problems[0].contains(words), "{problems:#?}");
}

#[test]
fn every_key_has_a_name_of_its_own_in_its_section() {
    let names: BTreeSet<_> = keys().map(|key| key.name).collect();
    assert_eq!(names.len(), keys().count());
    for section in sections() {
        for key in section.keys {
            assert_eq!(key.section(), section.name, "{}", key.name);
            assert_eq!(key.name.split('.').count(), 2, "{}", key.name);
        }
    }
}

#[test]
fn three_values_are_enough_and_the_rest_has_defaults() {
    let config = load(None, &[]).unwrap();
    let slack = slack_settings(&config);
    assert_eq!(config.server.listen, "127.0.0.1:3000".parse().unwrap());
    assert_eq!(config.server.ops_listen, "127.0.0.1:3001".parse().unwrap());
    assert_eq!(config.server.max_connections, 1024);
    assert_eq!(config.server.idle_timeout, Duration::from_secs(75));
    assert_eq!(config.novu.api_url.as_str(), "https://api.novu.co/");
    assert_eq!(config.novu.api_key.expose_secret(), "novu-key");
    assert_eq!(config.novu.timeout, Duration::from_secs(2));
    assert_eq!(config.novu.patience, Duration::from_secs(15));
    assert!(!config.novu.context_hmac);
    assert_eq!(slack.command, "/connect");
    assert_eq!(slack.api_url.as_str(), "https://slack.com/api");
    assert_eq!(slack.reply_budget, Duration::from_secs(2));
    assert_eq!(slack.user_scope, None);
    assert_eq!(config.identity.chain, [ResolverKind::Template]);
    assert_eq!(config.identity.create_missing, [ResolverKind::Template]);
    assert_eq!(Ok(config.identity.template), Template::parse("{platform}:{workspace}:{user}"));
    let response = Url::parse("https://hooks.slack.com/commands/1").unwrap();
    assert_eq!(slack.response_hosts.check(&response), Ok(()));
    assert!(slack.link_hosts.check(&response).is_err());
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "[server]\nlisten = '127.0.0.1:1'\nmax_connections = 7\n[novu]\ntimeout = '1s'";
    let config = load(Some(file), &[("CONNECT_SERVER__LISTEN", "127.0.0.1:2")]).unwrap();
    assert_eq!(config.server.listen.port(), 2);
    assert_eq!(config.server.max_connections, 7);
    assert_eq!(config.novu.timeout, Duration::from_secs(1));
}

#[test]
fn a_proxy_is_the_configured_one_or_that_of_the_environment() {
    let proxy = |more: &[(&str, &str)]| {
        load(None, more).unwrap().server.proxy.map(|proxy| format!("{proxy:?}"))
    };
    let (own, environment) =
        (("CONNECT_SERVER__PROXY", "http://own:1"), ("HTTPS_PROXY", "http://env:1"));
    assert_eq!(proxy(&[("HTTP_PROXY", "http://env:1"), ("ALL_PROXY", "http://env:1")]), None);
    assert!(proxy(&[environment]).unwrap().contains(r#""env""#));
    let proxy = proxy(&[own, environment, ("NO_PROXY", "a.example")]).unwrap();
    assert!(proxy.contains(r#""own""#) && proxy.contains("a.example"), "{proxy}");

    let words = "is not the address of an HTTP proxy";
    one_problem(&[("CONNECT_SERVER__PROXY", "socks5://own:1")], "server.proxy", words);
    one_problem(&[("HTTPS_PROXY", "socks5://env:1")], "HTTPS_PROXY", words);
}

#[test]
fn lists_come_with_brackets_commas_or_line_ends() {
    let two = [ResolverKind::Email, ResolverKind::Template];
    let file = "[identity]\nchain = ['email', 'template']";
    assert_eq!(load(Some(file), &[]).unwrap().identity.chain, two);
    let commas = [("CONNECT_IDENTITY__CHAIN", "email, template")];
    assert_eq!(load(None, &commas).unwrap().identity.chain, two);
    let none = [("CONNECT_IDENTITY__CREATE_MISSING", "")];
    assert_eq!(load(None, &none).unwrap().identity.create_missing, []);
}

#[test]
fn secrets_come_from_files_too() {
    let env = [
        ("CONNECT_NOVU__API_KEY_FILE", "/run/secrets/novu"),
        ("CONNECT_SLACK__SIGNING_SECRETS_FILE", "/run/secrets/slack"),
        ("CONNECT_SLACK__INTEGRATION", "slack"),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let read = |path: &Path| match path.to_str() {
        Some("/run/secrets/novu") => Ok("novu-key\r\n".to_owned()),
        Some("/run/secrets/slack") => Ok("new\nold\n".to_owned()),
        _ => no_files(path),
    };
    let config = Config::load(Some("[novu]\napi_key = 'of the file'"), env, &read).unwrap();
    assert_eq!(config.novu.api_key.expose_secret(), "novu-key");
    let secrets = slack_settings(&config).signing_secrets;
    let secrets: Vec<_> = secrets.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(secrets, ["new", "old"]);
}

#[test]
fn secret_files_have_their_own_mistakes() {
    let unreadable = [("CONNECT_NOVU__API_KEY", "[]"), ("CONNECT_NOVU__API_KEY_FILE", "/none")];
    one_problem(&unreadable, "CONNECT_NOVU__API_KEY_FILE", "cannot be read");
    let twice = [("CONNECT_NOVU__API_KEY_FILE", "/none")];
    one_problem(&twice, "novu.api_key", "given twice");
    let not_secret = [("CONNECT_SLACK__COMMAND_FILE", "/none")];
    one_problem(&not_secret, "CONNECT_SLACK__COMMAND_FILE", "correct it to CONNECT_SLACK__COMMAND");
}

#[test]
fn everything_wrong_is_told_at_once_and_names_key_and_variable() {
    let file = "[server]\nlisten = 'here'\nport = 1\n[novu]\napi_key = ''\n[irc]\nnick = 'x'\n\
                [slack]\nreply_budget = '9s'\n[identity]\nchain = ['tabel', 'template']";
    let problems: Vec<_> = Config::load(Some(file), [], &no_files)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = [
        ("server.port", "no key"),
        ("[irc]", "no section"),
        ("server.listen (CONNECT_SERVER__LISTEN)", "is not an IP address"),
        ("novu.api_key (CONNECT_NOVU__API_KEY)", "is empty: set it to a secret key"),
        ("slack.signing_secrets (CONNECT_SLACK__SIGNING_SECRETS)", "is missing"),
        ("slack.integration (CONNECT_SLACK__INTEGRATION)", "is missing"),
        ("slack.reply_budget (CONNECT_SLACK__REPLY_BUDGET)", "from 100ms to 2500ms"),
        ("identity.chain (CONNECT_IDENTITY__CHAIN)", "number 1, that is not a resolver"),
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (subject, words) in expected {
        assert!(
            problems.iter().any(|problem| problem.contains(subject) && problem.contains(words)),
            "{subject} {words}: {problems:#?}",
        );
    }
    assert!(problems.iter().all(|problem| problem.ends_with('.') && !problem.contains('\n')));
}

#[test]
fn what_is_unknown_is_refused_with_the_nearest_known_name() {
    let single = [("CONNECT_NOVU_API_URL", "https://a.example")];
    one_problem(&single, "CONNECT_NOVU_API_URL", "correct it to CONNECT_NOVU__API_URL");
    one_problem(
        &[("CONNECT_SLACK__COMAND", "/c")],
        "COMAND",
        "correct it to CONNECT_SLACK__COMMAND",
    );
    one_problem(&[("CONNECT_SERVER__ADMIN_TOKEN", "x")], "ADMIN_TOKEN", "unset it.");
    for file in ["[slak]", "[novu]\napi-url = 'x'", "listen = 'x'", "slack = 1", "[depot]"] {
        assert_eq!(problems(Some(file), &[]).len(), 1, "{file}");
    }
}

#[test]
fn a_file_that_is_not_toml_is_named_by_line_and_not_quoted() {
    let problems = problems(Some("[novu]\ntimeout = '1s'\napi_key = s3cret\n"), &[]);
    assert_eq!(problems, ["The configuration file is not TOML: correct line 3."]);
}

#[test]
fn a_file_that_is_not_toml_is_the_only_problem() {
    let env = [("CONNECT_SLACK__COMAND", "[]"), ("CONNECT_NOVU__API_KEY", "[]")];
    let told = problems(Some("[novu\napi_key = 'x'"), &env);
    assert_eq!(told, ["The configuration file is not TOML: correct line 1."]);
}

#[test]
fn a_misspelt_name_has_no_consequences() {
    let off = [
        ("CONNECT_NOVU__API_KEY", "[]"),
        ("CONNECT_SLACK__SIGNING_SECRETS", "[]"),
        ("CONNECT_SLACK__INTEGRATION", "[]"),
    ];
    let file = "[Novu]\napi_key = 'k'\n[slak]\nsigning_secrets = 's'\nintegration = 'i'";
    assert_eq!(
        problems(Some(file), &off),
        [
            "There is no section [Novu]: remove it or correct it to [novu].",
            "There is no section [slak]: remove it or correct it to [slack].",
        ],
    );
    let one = [off[0], ("CONNECT_NOVU__APIKEY", "k")];
    one_problem(&one, "CONNECT_NOVU__APIKEY", "correct it to CONNECT_NOVU__API_KEY");
    let told = problems(Some("[novu]\nAPI_KEY = 'k'"), &off[..1]);
    assert_eq!(told, ["There is no key novu.API_KEY: remove it or correct it to novu.api_key."]);
}

#[test]
fn types_must_fit() {
    for file in [
        "[server]\nlisten = ['127.0.0.1:1']",
        "[server]\nmax_connections = 1.5",
        "[novu]\ntimeout = 2",
        "[novu.api_url]\nhost = 'x'",
        "[identity]\nchain = [['template']]",
    ] {
        assert_eq!(problems(Some(file), &[]).len(), 1, "{file}");
    }
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let cases = [
        ("CONNECT_NOVU__API_KEY", "", "is empty"),
        ("CONNECT_NOVU__API_KEY", "  ", "is empty"),
        ("CONNECT_NOVU__API_KEY", "two words", "contains a space"),
        ("CONNECT_NOVU__API_KEY", "\u{fffd}", "not valid UTF-8"),
        ("CONNECT_SLACK__SIGNING_SECRETS", "", "is empty"),
        ("CONNECT_SLACK__SIGNING_SECRETS", "a,", "number 2, that is empty"),
        ("CONNECT_SLACK__SIGNING_SECRETS", "a, ,b", "number 2, that is empty"),
        ("CONNECT_SLACK__SIGNING_SECRETS", "a,b,a", "number 3, that repeats"),
        ("CONNECT_SLACK__CONNECTION", "", "is empty"),
        ("CONNECT_SLACK__USER_SCOPE", "", "is empty"),
        ("CONNECT_SLACK__LINK_HOSTS", "https://slack.com", "that is not a host"),
        ("CONNECT_SLACK__LINK_HOSTS", "com", "that is no host but what hosts of anybody end with"),
        ("CONNECT_SLACK__RESPONSE_HOSTS", "slack.com,co.uk", "number 2, that is no host but"),
        ("CONNECT_NOVU__API_KEY", "\"novu-key\"", "stands in quotation marks"),
        ("CONNECT_NOVU__API_URL", "'https://api.novu.co'", "stands in quotation marks"),
        ("CONNECT_SLACK__SIGNING_SECRETS", "\"a,b\"", "stands in quotation marks"),
        ("CONNECT_SLACK__SIGNING_SECRETS", "a,\"b\"", "number 2, that stands in quotation marks"),
        ("CONNECT_NOVU__API_URL", "https://api.novu.co/v1/", "ends with a version"),
        ("CONNECT_NOVU__API_URL", "https://dashboard.novu.co", "is not Novu's API"),
        ("CONNECT_NOVU__API_URL", "https://dashboard-v2.novu.co", "is not Novu's API"),
        ("CONNECT_NOVU__API_KEY", "your-api-key", "is only an example"),
        ("CONNECT_SLACK__SIGNING_SECRETS", "xoxb-1-s3cret", "that is a token: copy the Signing"),
        ("CONNECT_LOG", "inof", "has a word that is no level"),
        ("CONNECT_LOG", "info,hyper=loud", "is no filter"),
        ("CONNECT_SLACK__API_URL", "http://slack.com/api", "is plain http"),
        ("CONNECT_SERVER__OPS_LISTEN", "127.0.0.1:3000", "the same as server.listen"),
        ("CONNECT_SERVER__OPS_LISTEN", "0.0.0.0:3000", "the same as server.listen"),
        ("CONNECT_SERVER__IDLE_TIMEOUT", "500ms", "from 1s to 1h"),
        ("CONNECT_SERVER__MAX_CONNECTIONS", "0", "from 1 to 65536"),
    ];
    for (name, value, words) in cases {
        one_problem(&[(name, value)], name, words);
    }
}

#[test]
fn keys_of_links_from_before_are_accepted_with_a_warning() {
    let (url, keys) = ("CONNECT_SERVER__PUBLIC_URL", "CONNECT_SERVER__LINK_KEYS");
    let (origin, new, old) = ("https://a.example", "a-key-of-tomorrow", "a-key-of-yesterday");
    let config = load(None, &[(url, origin), (keys, &format!("{new},{old}"))]).unwrap();
    let signing: Vec<_> = config.server.link_keys.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(signing, [new, old]);
    let warned = config.warnings.iter().any(|it| it.to_string().contains("server.link_keys"));
    assert!(warned, "{:?}", config.warnings);
    let config = load(None, &[(url, origin)]).unwrap();
    assert!(config.server.link_keys.is_empty() && config.warnings.is_empty());

    one_problem(&[(url, "https://a.example/x"), (keys, new)], url, "carries a path");
    for (value, words) in [
        ("", "is empty"),
        ("fifteen-letters", "number 1, that is too short"),
        ("a-key-of-tomorrow,a-key-of-tomorrow", "number 2, that repeats"),
        ("a-key-of-tomorrow,a-key-of-today-x,a-key-of-yesterday", "more than two"),
    ] {
        one_problem(&[(url, origin), (keys, value)], keys, words);
    }
}

#[test]
fn the_chain_and_its_settings_agree() {
    let chain = "CONNECT_IDENTITY__CHAIN";
    one_problem(&[(chain, "template,email")], chain, "put it last");
    one_problem(&[(chain, "email,email")], chain, "repeats");
    one_problem(&[(chain, "table")], "identity.table", "is missing, but");
    one_problem(&[("CONNECT_IDENTITY__TABLE", "a.csv")], "identity.table", "lacks table");
    one_problem(&[("CONNECT_IDENTITY__WEBHOOK_TIMEOUT", "2s")], "webhook_timeout", "add webhook");
    one_problem(
        &[(chain, "webhook"), ("CONNECT_IDENTITY__WEBHOOK_URL", "https://a.example/who")],
        "identity.webhook_secret",
        "is missing, but",
    );
    one_problem(
        &[(chain, "email"), ("CONNECT_IDENTITY__TEMPLATE", "{team}/{user}")],
        "identity.template",
        "lacks template",
    );
    let create = "CONNECT_IDENTITY__CREATE_MISSING";
    one_problem(&[(create, "table")], create, "identity.chain does not");
    one_problem(&[(chain, "email,template"), (create, "email")], create, "take it out");
    assert_eq!(load(None, &[(chain, "email")]).unwrap().identity.create_missing, []);
}

#[test]
fn a_platform_must_be_on_and_a_begun_section_is_on() {
    let off = [("CONNECT_SLACK__SIGNING_SECRETS", "[]"), ("CONNECT_SLACK__INTEGRATION", "[]")];
    assert_eq!(
        problems(None, &off),
        ["No chat platform is on: fill in the section [slack] or [teams]."],
    );
    let begun = problems(Some("[slack]"), &off);
    assert_eq!(begun.len(), 2, "{begun:#?}");
}

#[test]
fn the_bot_has_a_secret_or_a_certificate_with_its_key() {
    let (secret, certificate, key) = (
        ("CONNECT_TEAMS__APP_SECRET", "teams-secret"),
        ("CONNECT_TEAMS__APP_CERTIFICATE", "bot.crt"),
        ("CONNECT_TEAMS__APP_CERTIFICATE_KEY", "bot.key"),
    );
    let teams = |given: &[(&'static str, &'static str)]| {
        let [id, _, integration] = TEAMS_LEAST;
        [&[id, integration], given].concat()
    };
    let loaded = teams_settings(&load(None, &teams(&[certificate, key])).unwrap());
    assert_eq!(loaded.unknown_key_interval, Duration::from_mins(5));
    let AppCredential::Certificate(files) = loaded.app_credential else { panic!("a secret") };
    assert_eq!(
        (files.certificate.to_str(), files.key.to_str()),
        (Some("bot.crt"), Some("bot.key"))
    );
    let loaded = teams_settings(&load(None, &teams(&[secret])).unwrap());
    assert!(matches!(loaded.app_credential, AppCredential::Secret(_)));

    let cases: [(&[_], _, _); 6] = [
        (&[], "teams.app_secret", "is missing: set it to a client secret"),
        (&[certificate], "teams.app_certificate_key", "is missing, but teams.app_certificate is"),
        (&[key], "teams.app_certificate ", "is missing, but teams.app_certificate_key is set"),
        (&[secret, certificate], "teams.app_certificate ", "is set, but so is teams.app_secret"),
        (&[secret, key], "teams.app_certificate_key", "is set, but so is teams.app_secret"),
        (&[secret, certificate, key], "teams.app_certificate ", "but so is teams.app_secret"),
    ];
    for (given, subject, words) in cases {
        one_problem(&teams(given), subject, words);
    }
    let guid = "0b1f7a3e-5b1c-4f52-9a43-0d2c5a9e7f10";
    one_problem(&teams(&[(secret.0, guid)]), secret.0, "the secret's ID: copy its Value");
    let named = [TEAMS_LEAST[2], secret, ("CONNECT_TEAMS__APP_ID", "myapp")];
    one_problem(&named, "teams.app_id", "is not a GUID: copy the application (client) id");
    let pasted = (key.0, "-----BEGIN PRIVATE KEY-----");
    one_problem(&teams(&[certificate, pasted]), key.0, "name the file that holds it");
    one_problem(&teams(&[certificate, (key.0, "")]), key.0, "is empty");
    let guessed = ("CONNECT_TEAMS__APP_CERTIFICATE_FILE", "bot.crt");
    one_problem(&teams(&[secret, guessed]), guessed.0, "to CONNECT_TEAMS__APP_CERTIFICATE.");
}

#[test]
fn a_time_limit_that_no_browser_waits_for_is_taken_with_a_warning() {
    let warned = |timeout: &str| {
        let config = load(None, &[("CONNECT_NOVU__TIMEOUT", timeout)]).unwrap();
        config.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(warned("5s"), [""; 0]);
    let warnings = warned("20s");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("set novu.patience"), "{warnings:?}");
}

#[test]
fn novu_beyond_this_machine_in_plain_http_is_a_warning() {
    let warned = |address: &str| {
        let config = load(None, &[("CONNECT_NOVU__API_URL", address)]).unwrap();
        config.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let warnings = warned("http://novu-api.novu.svc:3000");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("novu.api_url (CONNECT_NOVU__API_URL) is plain http"));
    for address in ["http://127.0.0.1:3000", "https://novu.example.com"] {
        assert_eq!(warned(address), [""; 0], "{address}");
    }
}

#[test]
fn a_signing_secret_that_is_hardly_one_is_a_warning() {
    let config = load(None, &[("CONNECT_SLACK__SIGNING_SECRETS", "1234567890.123")]).unwrap();
    let warnings: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("number 1, that is not 32 hexadecimal digits"), "{warnings:?}");
}

#[test]
fn what_is_unfinished_is_judged_by_what_is_there() {
    let judged = |file: &str| {
        let mut reader = Sources::new(Some(file.to_owned()), []).read_without_secrets(&sections());
        Config::judge_unfinished(&mut reader);
        match reader.conclude(Some(())) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    };
    for fine in
        ["", example::EXAMPLE, "[server]\npublic_url = 'https://a.example'\n[teams]\n[slack]"]
    {
        assert_eq!(judged(fine), [""; 0], "{fine}");
    }
    for (wrong, subject) in [
        ("[slack]\ncommand = 'connect'", "slack.command"),
        ("[teams]\napp_certificate = 'bot.crt'", "teams.app_certificate_key"),
        ("[identity]\ntable = 'people.csv'", "identity.table"),
    ] {
        let problems = judged(wrong);
        assert!(problems.len() == 1 && problems[0].contains(subject), "{problems:?}");
    }
}

#[test]
fn no_secret_prints() {
    let chain = ("CONNECT_IDENTITY__CHAIN", "webhook,template");
    let secrets = [
        chain,
        ("CONNECT_NOVU__API_KEY", "s3cret-novu"),
        ("CONNECT_SLACK__SIGNING_SECRETS", "s3cret-slack,s3cret-old"),
        ("CONNECT_SLACK__BOT_TOKEN", "xoxb-s3cret"),
        ("CONNECT_SERVER__PUBLIC_URL", "https://a.example"),
        ("CONNECT_SERVER__LINK_KEYS", "s3cret-s3cret-s3cret,s3cret-s3cret-older"),
        ("CONNECT_IDENTITY__WEBHOOK_URL", "https://a.example/s3cret?code=s3cret"),
        ("CONNECT_IDENTITY__WEBHOOK_SECRET", "s3cret-s3cret-s3cret"),
        ("CONNECT_STORE__URL", "postgres://s3cret:s3cret@a.example/d?password=s3cret"),
        ("CONNECT_STORE__KEYS", "s3cret-s3cret-s3cret,s3cret-s3cret-older"),
    ];
    let config = load(None, &secrets).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
    // In every wrong place, in turn; a name may be any text, and everybody reads it.
    for key in keys().filter(|key| key.name != "app.name") {
        let text = format!("{:?}", load(None, &[(key.env().as_str(), "s3cret wrong §")]));
        assert!(!text.contains("s3cret"), "{}: {text}", key.name);
    }
}

#[test]
fn a_cloud_settles_what_the_section_leaves_out() {
    let teams = |more: &[(&str, &str)]| {
        let env = [&TEAMS_LEAST[..], more].concat();
        teams_settings(&load(None, &env).unwrap())
    };
    let public = teams(&[]);
    assert_eq!(
        public.token_url.as_str(),
        "https://login.microsoftonline.com/botframework.com/oauth2/v2.0/token"
    );
    assert_eq!(public.issuer, "https://api.botframework.com");
    let connector = Url::parse("https://smba.trafficmanager.net/emea/").unwrap();
    assert_eq!(public.service_hosts.check(&connector), Ok(()));

    let gov = teams(&[("CONNECT_TEAMS__CLOUD", "usgov"), ("CONNECT_TEAMS__APP_TENANT", "contoso")]);
    assert_eq!(
        gov.token_url.as_str(),
        "https://login.microsoftonline.us/contoso/oauth2/v2.0/token"
    );
    assert_eq!(gov.issuer, "https://api.botframework.us");
    assert!(gov.service_hosts.check(&connector).is_err());
    let cloud = "CONNECT_TEAMS__CLOUD";
    let env = [&TEAMS_LEAST[..], &[(cloud, "mars")]].concat();
    one_problem(&env, cloud, "is not a cloud");
}
