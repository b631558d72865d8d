//! What the documentation says of the code is so.

use novu_connect_bot::core::Reason;
use novu_connect_bot::slack::signature::Unverified;

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
fn figures_are_stated_with_their_command() {
    let section = README.split("## How fast").nth(1).expect("the section");
    assert!(section.contains("cargo bench --bench load"));
    assert!(!README.contains(concat!("MEAS", "URED")), "a placeholder is left");
}
