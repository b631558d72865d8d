//! What the parts of the configuration need of each other.

use super::*;

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
