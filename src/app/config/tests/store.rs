//! Where the store is, by the section `store` and by what systemd says.

use super::*;
use crate::store::config::Location;

const URL: &str = "CONNECT_STORE__URL";
const KEYS: &str = "CONNECT_STORE__KEYS";
const POSTGRES: (&str, &str) = (URL, "postgres://connect:s3cret@localhost/connect");

/// The file of SQLite that comes of it.
#[track_caller]
fn file(more: &[(&str, &str)]) -> String {
    match load(None, more).unwrap().store.location {
        Location::Sqlite(file) => file.to_str().unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_relative_file_is_in_the_directory_that_systemd_made() {
    let made = |directories| ("STATE_DIRECTORY", directories);
    let working = std::env::current_dir().unwrap().join("novu-connect-bot.db");
    assert_eq!(file(&[]), working.to_str().unwrap());
    assert_eq!(file(&[made("")]), working.to_str().unwrap());
    assert_eq!(file(&[made("/var/lib/a")]), "/var/lib/a/novu-connect-bot.db");
    assert_eq!(file(&[made("/var/lib/a:/var/lib/b")]), "/var/lib/a/novu-connect-bot.db");
    assert_eq!(file(&[made("/var/lib/a"), (URL, "sqlite:b.db")]), "/var/lib/a/b.db");
    assert_eq!(file(&[made("/var/lib/a"), (URL, "sqlite:/srv/b.db")]), "/srv/b.db");
}

#[test]
fn a_directory_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().to_str().unwrap());
    one_problem(&[(URL, &url)], URL, "names a directory: put the name of a file after it");
}

#[test]
fn postgresql_needs_keys_and_memory_has_no_use_for_them() {
    one_problem(&[POSTGRES], KEYS, "is missing, but store.url is PostgreSQL");
    for (keys, words) in [
        ("", "is empty"),
        ("fifteen-letters", "number 1, that is too short"),
        ("a-key-of-tomorrow,a-key-of-tomorrow", "number 2, that repeats"),
        ("example-of-a-sealing-key", "number 1, that is only an example"),
    ] {
        one_problem(&[POSTGRES, (KEYS, keys)], KEYS, words);
    }
    let keys = (KEYS, "a-key-of-tomorrow,a-key-of-yesterday,a-key-of-last-week");
    let config = load(None, &[POSTGRES, keys]).unwrap();
    assert_eq!((config.store.keys.len(), config.warnings.len()), (3, 0));
    assert!(load(None, &[]).unwrap().store.keys.is_empty());

    let config = load(None, &[(URL, "memory"), keys]).unwrap();
    let warnings: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("has no use where store.url is memory"), "{warnings:?}");
}

#[test]
fn an_address_that_does_not_fit_is_one_problem_with_its_fix() {
    one_problem(&[(URL, "mysql://u:s3cret@h/d")], URL, "is no kind of store");
    one_problem(&[(URL, "\"sqlite:a.db\"")], URL, "stands in quotation marks");
    one_problem(&[(URL, "")], URL, "is empty: set it to sqlite:FILE");
    let elsewhere = (URL, "postgres://u:s3cret@db.example.com/d?sslmode=require");
    let config = load(None, &[elsewhere, (KEYS, "a-key-of-ones-own")]).unwrap();
    let warnings: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("sslmode=verify-full") && !warnings[0].contains("s3cret"));
}
