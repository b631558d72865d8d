//! The engine on a section of its own: shapes of keys, warnings, withheld secrets, several readings.

use std::io;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::*;
use crate::section;

section! {
    /// A section with a key of each kind.
    SECTION = "kettle";

    URL: Key<url::Url> = Key::new("kettle.url", "the kettle's address", parse::base_url)
        .or("http://127.0.0.1")
        .doubting(parse::in_the_clear);

    LEAVES: ListKey<usize> =
        ListKey::new("kettle.leaves", "numbers", |text| parse::count(text, &(1..=9)))
            .doubting(|leaves| (*leaves > 5).then(|| "is a lot".into()));

    LOCK: Key<SecretString> = Key::new("kettle.lock", "the key", parse::secret).secret();
}

fn no_files(_: &Path) -> io::Result<String> {
    Err(io::ErrorKind::NotFound.into())
}

fn sources(env: &[(&str, &str)]) -> Sources {
    Sources::new(None, env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn reader(env: &[(&str, &str)]) -> Reader {
    sources(env).read(&[&SECTION], &no_files)
}

fn told(reader: Reader) -> Vec<String> {
    let problems = reader.conclude(None::<()>).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_declared_is_listed_with_its_variable() {
    let listed: Vec<_> = SECTION.keys.iter().map(|key| (key.name, key.env(), key.secret)).collect();
    assert_eq!(
        listed,
        [
            ("kettle.url", "CONNECT_KETTLE__URL".to_owned(), false),
            ("kettle.leaves", "CONNECT_KETTLE__LEAVES".to_owned(), false),
            ("kettle.lock", "CONNECT_KETTLE__LOCK".to_owned(), true),
        ]
    );
}

#[test]
fn a_doubted_value_is_taken_with_one_warning() {
    let mut reader =
        reader(&[("CONNECT_KETTLE__URL", "http://a.example"), ("CONNECT_KETTLE__LEAVES", "3,7")]);
    assert_eq!(reader.list(&LEAVES), Some(vec![3, 7]));
    for _ in 0..2 {
        assert_eq!(reader.value(&URL).unwrap().as_str(), "http://a.example/");
    }
    reader.warn(&LOCK, "has no use any more: remove it");
    let ((), warnings) = reader.conclude(Some(())).unwrap();
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert_eq!(
        warnings[0],
        "kettle.leaves (CONNECT_KETTLE__LEAVES) has an entry, number 2, that is a lot."
    );
    assert!(warnings[1].starts_with("kettle.url (CONNECT_KETTLE__URL) is plain http to another"));
    assert_eq!(warnings[2], "kettle.lock (CONNECT_KETTLE__LOCK) has no use any more: remove it.");
}

#[test]
fn a_problem_is_told_once_however_often_its_key_is_read() {
    let mut reader = reader(&[("CONNECT_KETTLE__LEAVES", "0")]);
    for _ in 0..2 {
        assert_eq!(reader.filled_list(&LEAVES), None);
        assert!(reader.value(&LOCK).is_none());
    }
    let told = told(reader);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].ends_with("is missing: set it to the key."), "{told:?}");
}

#[test]
fn withheld_secrets_are_given_but_not_looked_at() {
    let lock = "CONNECT_KETTLE__LOCK";
    let file = "CONNECT_KETTLE__LOCK_FILE";
    for given in [(lock, "a wrong one"), (lock, ""), (lock, "\u{fffd}"), (file, "/nowhere")] {
        let mut reader = sources(&[given]).read_without_secrets(&[&SECTION]);
        assert!(reader.is_given(&LOCK) && reader.value(&LOCK).is_none(), "{given:?}");
        let accepted = reader.conclude(Some(())).is_ok();
        assert_eq!(accepted, given.1 != "\u{fffd}", "{given:?}");
    }
    let mut reader = reader(&[(lock, "right")]);
    assert_eq!(reader.value(&LOCK).unwrap().expose_secret(), "right");
    assert!(!format!("{reader:?}{:?}", sources(&[(lock, "right")])).contains("right"));
}

#[test]
fn what_is_missing_or_empty_can_be_overlooked_but_not_what_is_wrong() {
    let mut reader = reader(&[("CONNECT_KETTLE__URL", ""), ("CONNECT_KETTLE__LEAVES", "ten")]);
    reader.overlooking_missing(|reader| {
        assert!(reader.value(&URL).is_none());
        assert!(reader.value(&LOCK).is_none());
        assert!(reader.list(&LEAVES).is_none());
        reader.lacks_all("There is no tea.");
    });
    reader.lacks_all("There is no water.");
    let told = told(reader);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("number 1, that is not a number in bounds"), "{told:?}");
    assert_eq!(told[1], "There is no water.");
}

#[test]
fn variables_of_others_are_passed_over() {
    let others = [
        ("CONNECT_LOG", "debug"),
        ("CONNECT_CONFIG", "/etc/connect.toml"),
        ("CONNECT_PORT", "tcp://10.0.0.1:3000"),
        ("CONNECT_SERVICE_HOST", "10.0.0.1"),
        ("CONNECTION__X", "y"),
        ("PATH", "/bin"),
    ];
    assert!(reader(&others).conclude(Some(())).is_ok());
}
