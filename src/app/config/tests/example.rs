//! `config.example.toml` shows every key, and its defaults are the defaults.

use super::*;

pub(super) const EXAMPLE: &str = include_str!("../../../../config.example.toml");

/// The example with the comment sign taken away from the keys for which `wanted` holds.
fn example_with(wanted: impl Fn(&KeyInfo) -> bool) -> String {
    let mut section = String::new();
    let mut text = String::new();
    for line in EXAMPLE.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut section);
        }
        let bare = line.strip_prefix('#').unwrap_or(line);
        let name = bare.split_once(" = ").map(|(name, _)| format!("{section}.{name}"));
        let key = name.and_then(|name| keys().find(|key| key.name == name));
        text.push_str(if key.is_some_and(&wanted) { bare } else { line });
        text.push('\n');
    }
    text
}

#[test]
fn the_example_as_it_is_lacks_only_what_is_required() {
    let problems = Config::load(Some(EXAMPLE), [], &no_files).unwrap_err();
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), LEAST.len() + TEAMS_LEAST.len(), "{problems:#?}");
    for (name, _) in LEAST.into_iter().chain(TEAMS_LEAST) {
        assert!(problems.iter().any(|text| text.contains(name) && text.contains("is empty")));
    }
}

/// Secrets of one's own for the keys that have an example of one.
const OWN_SECRETS: [(&str, &str); 5] = [
    ("CONNECT_SERVER__ADMIN_TOKENS", "own:read:0123456789abcdef0123456789abcdef"),
    ("CONNECT_SERVER__LINK_KEYS", "a-key-of-ones-own"),
    ("CONNECT_STORE__KEYS", "a-key-of-ones-own"),
    ("CONNECT_SLACK__BOT_TOKEN", "xoxb-ones-own"),
    ("CONNECT_IDENTITY__WEBHOOK_SECRET", "a-key-of-ones-own"),
];

#[test]
fn the_examples_secrets_are_nobodys() {
    let example = example_with(|key| key.secret);
    let chain = ("CONNECT_IDENTITY__CHAIN", "webhook,template");
    let url = ("CONNECT_IDENTITY__WEBHOOK_URL", "https://a.example");
    let public = ("CONNECT_SERVER__PUBLIC_URL", "https://a.example");
    let all = [&TEAMS_LEAST[..], &[chain, url, public]].concat();
    let problems = problems(Some(&example), &all);
    assert_eq!(problems.len(), OWN_SECRETS.len(), "{problems:#?}");
    for (name, _) in OWN_SECRETS {
        let told = |text: &String| text.contains(name) && text.contains("is only an example");
        assert!(problems.iter().any(told), "{name}: {problems:#?}");
    }
}

#[test]
fn the_examples_defaults_are_the_defaults() {
    let example = example_with(|key| key.default.is_some());
    assert_eq!(
        format!("{:#?}", load(Some(&example), &TEAMS_LEAST).unwrap()),
        format!("{:#?}", load(None, &TEAMS_LEAST).unwrap()),
    );
}

#[test]
fn the_example_shows_every_key_with_a_value_that_fits() {
    let example = example_with(|_| true);
    let mut all = TEAMS_LEAST.to_vec();
    all.push(("CONNECT_IDENTITY__CHAIN", "table,webhook,email,template"));
    all.extend(OWN_SECRETS);
    // The bot has a secret or a certificate: as the example is, and the other way.
    let secret = |key: &KeyInfo| !key.name.starts_with("teams.app_certificate");
    load(Some(&example_with(secret)), &all).unwrap();
    all.retain(|(name, _)| *name != "CONNECT_TEAMS__APP_SECRET");
    load(Some(&example.replace("\napp_secret =", "\n#")), &all).unwrap();
    let table: toml::Table = example.parse().unwrap();
    for key in keys() {
        let (section, name) = key.name.split_once('.').unwrap();
        let shown = table.get(section).and_then(|section| section.get(name));
        assert!(shown.is_some(), "{} is not in config.example.toml", key.name);
    }
}
