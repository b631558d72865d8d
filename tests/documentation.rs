//! What the documentation says of the code is so.

use novu_connect_bot::app::readiness_words;
use novu_connect_bot::core::{Reason, Step};
use novu_connect_bot::doctor::Check;
use novu_connect_bot::slack::signature as slack;
use novu_connect_bot::teams::credentials::TokenError;
use novu_connect_bot::teams::token as teams;

const README: &str = include_str!("../README.md");

#[test]
fn every_refusal_code_is_explained_and_no_other() {
    let table = README.split("## What each refusal means").nth(1).expect("the section");
    let mut explained: Vec<_> = table
        .lines()
        .filter(|line| line.starts_with("| `C-"))
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|codes| codes.split(','))
        .map(|code| code.trim().trim_matches('`'))
        .collect();
    explained.sort_unstable();
    let mut codes: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    codes.sort_unstable();
    assert_eq!(explained, codes);
}

#[test]
fn every_reason_to_refuse_a_request_is_explained_where_it_is_counted() {
    let section = README.split("## Requests that are refused").nth(1).expect("the section");
    let section = section.split("\n## ").next().expect("its text");
    let row = |name: &str| {
        let row = section.lines().find(|line| line.starts_with(&format!("| {name} |")));
        code_words(row.expect("a row"))
    };
    let mut slack: Vec<_> = slack::Unverified::ALL.iter().map(|problem| problem.reason()).collect();
    slack.sort_unstable();
    assert_eq!(row("Slack"), slack);
    let teams = row("Teams");
    for problem in teams::Unverified::ALL {
        assert!(teams.contains(&problem.reason()), "{}", problem.reason());
    }
}

#[test]
fn every_reason_for_no_token_is_in_one_row_with_its_word() {
    let codes = [7_000_222, 7_000_215, 700_027, 700_016, 90_002, 900_023, 7_000_112, 700_024];
    for code in codes {
        let word = TokenError::Refused { error: String::new(), code }.word();
        let (number, word) = (format!("AADSTS{code}"), format!("| `{word}` |"));
        let row = README.lines().find(|row| row.starts_with("| AADSTS") && row.contains(&number));
        assert!(row.is_some_and(|row| row.contains(&word)), "{number} {word}");
    }
    let other = TokenError::Refused { error: String::new(), code: 0 };
    for error in [other, TokenError::Unavailable, TokenError::Nonsense] {
        assert!(README.contains(&format!("`{}`", error.word())), "{error}");
    }
}

#[test]
fn every_word_of_readiness_is_explained_and_no_other() {
    let table = README.split("### The words of `/readyz`").nth(1).expect("the section");
    let table = table.split("\n#").next().expect("its text");
    let mut explained: Vec<_> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split(" |").next())
        .flat_map(|words| words.split("`, `"))
        .map(|word| word.trim_matches('`'))
        .collect();
    explained.sort_unstable();
    let words: Vec<_> = readiness_words().into_iter().collect();
    assert_eq!(explained, words);
}

#[test]
fn every_step_of_an_explanation_has_a_row_in_its_order() {
    let section =
        README.split("### When it does not work for somebody").nth(1).expect("the section");
    let section = section.split("\n### ").next().expect("its text");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let explained: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
    let words = Step::ALL.map(|step| serde_json::to_value(step).expect("a word"));
    assert_eq!(explained, words.each_ref().map(|word| word.as_str().expect("a text")));
}

#[test]
fn every_check_of_the_doctor_has_a_row_in_its_order() {
    let table = README.split("### The doctor").nth(1).expect("the section");
    let table = table.split("\n### ").next().expect("its text");
    let explained: Vec<_> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split("` |").next())
        .filter(|word| word.contains('.'))
        .collect();
    let names: Vec<_> = Check::ALL.iter().map(|check| check.name()).collect();
    assert_eq!(explained, names);
}

/// What stands between grave accents and is a word of metrics, in order.
fn code_words(text: &str) -> Vec<&str> {
    let is_word = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let mut words: Vec<_> = text.split('`').skip(1).step_by(2).filter(is_word).collect();
    words.sort_unstable();
    words
}

#[test]
fn figures_are_stated_with_their_command() {
    let section = README.split("## How fast").nth(1).expect("the section");
    assert!(section.contains("cargo bench --bench load"));
    assert!(!README.contains(concat!("MEAS", "URED")), "a placeholder is left");
}
