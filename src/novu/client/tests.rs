//! Tests of `client.rs`.

use super::*;
use crate::clock::SystemClock;

fn build(api_url: &str, key: &str) -> Result<Novu, SettingsError> {
    let settings = Settings {
        api_url: Url::parse(api_url).unwrap(),
        api_key: SecretString::from(key),
        timeout: Duration::from_secs(1),
        patience: Duration::from_secs(1),
        context_hmac: true,
        test_workflow: None,
    };
    let http = crate::net::client().unwrap();
    let http = Outgoing::new(http, Arc::new(SystemClock), Arc::default());
    Novu::new(settings, http, Arc::new(SystemClock))
}

#[test]
fn a_base_address_keeps_its_path_prefix() {
    let cases = [
        ("https://api.novu.co", "https://api.novu.co/v1/x"),
        ("https://api.novu.co/", "https://api.novu.co/v1/x"),
        ("http://novu:3000/api", "http://novu:3000/api/v1/x"),
        ("http://novu:3000/a%20b/c/", "http://novu:3000/a%20b/c/v1/x"),
    ];
    for (base, expected) in cases {
        assert_eq!(build(base, "k").unwrap().route("/v1/x").as_str(), expected);
    }
}

#[test]
fn an_identifier_is_one_path_segment_whatever_it_holds() {
    let novu = build("https://api.novu.co/p", "k").unwrap();
    let cases = [
        ("chendp_1", "chendp_1"),
        ("slack:T1:U1", "slack%3AT1%3AU1"),
        ("a/b?c#d%e", "a%2Fb%3Fc%23d%25e"),
        ("../admin", "..%2Fadmin"),
        ("%2e%2e", "%252e%252e"),
        ("a b+c", "a%20b%2Bc"),
        ("a\tb\nc\\d", "a%09b%0Ac%5Cd"),
        ("zoë", "zo%C3%AB"),
    ];
    for (id, segment) in cases {
        let url = novu.item("/v1/x", id).unwrap();
        assert_eq!(url.as_str(), format!("https://api.novu.co/p/v1/x/{segment}"));
    }
    for id in ["", ".", ".."] {
        assert!(matches!(novu.item("/v1/x", id), Err(Error::Unsendable(_))), "{id:?}");
    }
}

#[test]
fn unusable_settings_are_refused() {
    for key in ["", "two words", "line\nbreak", "schlüssel"] {
        assert_eq!(build("https://api.novu.co", key).err(), Some(SettingsError::Key));
    }
    for address in [
        "ftp://api.novu.co",
        "data:,x",
        "https://user@api.novu.co",
        "https://:word@api.novu.co",
        "https://api.novu.co/?x=1",
        "https://api.novu.co/#x",
    ] {
        let error = build(address, "k").err();
        assert!(matches!(error, Some(SettingsError::Address(_))), "{address}");
    }
}

#[test]
fn the_key_never_prints() {
    let novu = build("https://api.novu.co", "very-secret").unwrap();
    assert!(!format!("{novu:?} {:?}", novu.inner.authorization).contains("very-secret"));
}
