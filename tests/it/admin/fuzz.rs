//! Everything that the API's own document says, tried out by schemathesis: thousands of requests, right and
//! wrong, and no answer that is not in the document.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{OWNER, start};

/// What counts as a refusal of a request that the document forbids: 413 and 431 where it is too large, 415
/// where it is no JSON.
const CONFIGURATION: &str = "[checks.negative_data_rejection]\n\
    expected-statuses = [400, 401, 403, 404, 405, 413, 415, 422, 429, 431]\n";
/// Says that nothing may be left out.
const NEEDED: &str = "CONNECT_TESTS_NEED_SCHEMATHESIS";
/// How long it may take, in seconds.
const BUDGET: &str = "20";
/// What is looked at in each answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,negative_data_rejection,\
                      unsupported_method,allow_header_conformance,ignored_auth";

#[tokio::test]
async fn no_request_that_the_document_allows_or_forbids_gets_an_answer_that_it_does_not_tell() {
    let Some(program) = find() else {
        return left_out(
            "schemathesis is not installed, so the admin API is not fuzzed: see .ci/run",
        );
    };
    let bot = start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schemathesis.toml"), CONFIGURATION).unwrap();
    let mut fuzzing = Command::new(program);
    fuzzing
        .current_dir(folder.path())
        .args(["run", &format!("{}/admin/v1/openapi.json", bot.ops_url)])
        .args(["--header", &format!("Authorization: Bearer {OWNER}")])
        .args(["--checks", CHECKS, "--max-time", BUDGET, "--max-examples", "25"])
        .args(["--phases", "examples,coverage,fuzzing,stateful", "--seed", "1"])
        .args([
            "--request-timeout",
            "10",
            "--no-shrink",
            "--continue-on-failure",
            "--warnings",
            "off",
        ]);
    let fuzzing = tokio::task::spawn_blocking(move || fuzzing.output().unwrap());
    // Whoever asks so much needs more than one token's pace, which is by this clock.
    while !fuzzing.is_finished() {
        bot.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let output = fuzzing.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("No issues found"), "{said}");
}

/// Where `.ci/run` puts it, or else the one in the path.
fn find() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let own = target.join("schemathesis/bin/schemathesis");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|folder| folder.join("schemathesis"));
    std::iter::once(own).chain(in_path).find(|file| file.is_file())
}

/// Says what is left out; nothing may be where everything is needed.
#[expect(clippy::print_stderr, reason = "the tests' own line, for whoever runs them")]
fn left_out(what: &str) {
    assert!(std::env::var_os(NEEDED).is_none(), "{what}");
    eprintln!("{what}");
}
