//! What the documentation says of the code is so.

use novu_connect_bot::core::Reason;
use novu_connect_bot::slack::signature::Unverified;
use novu_connect_bot::teams::credentials::TokenError;

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
fn every_reason_to_refuse_a_request_is_explained() {
    use Unverified::{ClockSkew, Headers, Malformed, Replayed, Signature, Timestamp, TooLarge};
    for problem in [Headers, Timestamp, Malformed, Signature, ClockSkew, Replayed, TooLarge] {
        assert!(README.contains(&format!("`{}`", problem.reason())), "{problem}");
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
fn figures_are_stated_with_their_command() {
    let section = README.split("## How fast").nth(1).expect("the section");
    assert!(section.contains("cargo bench --bench load"));
    assert!(!README.contains(concat!("MEAS", "URED")), "a placeholder is left");
}
