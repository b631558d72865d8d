//! What is taken with a warning.

use super::*;

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
fn finding_people_by_e_mail_without_the_scope_for_it_is_a_warning() {
    let warned = |scope: &str| {
        let env = [("CONNECT_IDENTITY__CHAIN", "email"), ("CONNECT_WORKSPACES__SCOPE", scope)];
        let config = load(None, &env).unwrap();
        config.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let warnings = warned("commands,chat:write,users:read");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("lacks users:read.email"), "{warnings:?}");
    assert_eq!(warned("commands,chat:write,users:read,users:read.email"), [""; 0]);
}
