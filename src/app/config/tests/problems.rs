//! How what is wrong is told.

use super::*;

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
    one_problem(&[("CONNECT_SERVER__WINDOW", "x")], "WINDOW", "unset it.");
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
fn tokens_of_the_admin_api_are_judged_one_by_one_and_together() {
    const TOKENS: &str = "CONNECT_SERVER__ADMIN_TOKENS";
    let (one, other) = ("a".repeat(32), "b".repeat(32));
    for (tokens, words) in [
        (format!("a:read:{one},b:write:{other}"), "entry, number 2, that has an unknown role"),
        (format!("a:read:{}", &one[1..]), "openssl rand -hex 32"),
        (format!("a:read:{one},a:all:{other}"), "has a name twice"),
        (format!("a:read:{one},b:all:{one}"), "has a token twice"),
    ] {
        one_problem(&[(TOKENS, &tokens)], "server.admin_tokens", words);
    }
    let tokens = load(None, &[(TOKENS, &format!("a:read:{one}\nb:all:{other}"))]).unwrap();
    assert_eq!(tokens.server.admin_tokens.len(), 2);
    assert!(load(None, &[]).unwrap().server.admin_tokens.is_empty());
}
