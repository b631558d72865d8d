//! Where values come from, and which ones fit.

use super::*;

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
