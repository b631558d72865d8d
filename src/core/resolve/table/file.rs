//! The file behind the table: its two forms, and whether it is all there.
//!
//! A CSV file has the columns `platform,workspace,user,subscriber` in any order, separated by commas,
//! and ends with a line break, without which nobody can tell whether its last row is whole. A TOML file
//! has one `[[person]]` with those keys for each row; there the quotes tell. Both are UTF-8.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::core::person::PlatformName;
use crate::core::platform::Platform;
use crate::novu::SubscriberId;

/// The largest file that is read, in bytes.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;
/// The columns of a CSV file, in the order in which the documentation names them.
const COLUMNS: [&str; 4] = ["platform", "workspace", "user", "subscriber"];
/// What some programs begin a UTF-8 file with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The subscribers, by the ids of their people.
pub(super) type Rows = HashMap<Key, SubscriberId>;
/// A person's platform, workspace and user, the ids in their canonical form.
pub(super) type Key = (PlatformName, String, String);

/// The key of a person.
pub(super) fn key(platform: &Platform, workspace: &str, user: &str) -> Key {
    let id = |id| platform.canonical_id(id).into_owned();
    (platform.id(), id(workspace), id(user))
}

/// A file that was read.
#[derive(Debug)]
pub(super) struct Read {
    /// What tells its content from another.
    pub(super) hash: [u8; 32],
    /// The table in it, if it is one.
    pub(super) rows: Result<Rows, TableError>,
}

/// Why a table cannot be used. Rows may hold addresses, so none is shown.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Read(#[from] std::io::Error),
    /// The file was there and is not any more.
    #[error("the file is gone")]
    Gone,
    /// The file is larger than the limit.
    #[error("the file is larger than {} MiB", LARGEST_FILE / 1024 / 1024)]
    TooLarge,
    /// The name ends neither in `.csv` nor in `.toml`.
    #[error("the name must end in .csv or .toml")]
    Ending,
    /// The text is UTF-16, as spreadsheets write it.
    #[error("the file is encoded as UTF-16: save it as UTF-8")]
    Utf16,
    /// The text is in no encoding that can be told.
    #[error("line {0} is not UTF-8: save the file as UTF-8")]
    NotUtf8(usize),
    /// There are no rows.
    #[error("the file has no rows: it is empty, or was not written to its end")]
    NoRows,
    /// The last line does not end.
    #[error(
        "the last line is not whole: a CSV file ends with a line break, and this one may have been \
         cut off"
    )]
    CutOff,
    /// A quotation mark has no counterpart.
    #[error("a quotation mark is not closed, so the file may have been cut off")]
    OpenQuote,
    /// The columns are separated by something else.
    #[error("line 1 separates the columns by {0}: use commas")]
    Separator(&'static str),
    /// The first line of a CSV file does not name the columns.
    #[error("line 1 must name the columns platform, workspace, user and subscriber, each once")]
    Header,
    /// A line is not what a table has there.
    #[error("line {0} is not a row of platform, workspace, user and subscriber")]
    Line(u64),
    /// A row is about a platform that there is not.
    #[error("row {0} names a platform that is neither of those known")]
    Platform(usize),
    /// A cell is empty.
    #[error("row {0} has an empty cell")]
    Empty(usize),
    /// Two rows give one person two subscribers.
    #[error("row {0} gives a person another subscriber than a row before it")]
    Contradiction(usize),
    /// A table has shrunk so much that it is hardly meant.
    #[error(
        "more than half of the rows are gone ({before} before, {after} now): reload the service \
         by SIGHUP if that is meant"
    )]
    Shrunk {
        /// How many rows the table in use has.
        before: usize,
        /// How many the file has.
        after: usize,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    platform: PlatformName,
    workspace: String,
    user: String,
    subscriber: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlTable {
    #[serde(default)]
    person: Vec<Row>,
}

/// Reads a file. What is wrong with its content is part of the outcome, so that it can be known again.
///
/// # Errors
/// The file cannot be read, or is too large to be.
pub(super) fn read(path: &Path, platforms: &[&Platform]) -> Result<Read, TableError> {
    let mut bytes = Vec::new();
    // The size may change while it is read, so it is not asked for first.
    std::fs::File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(TableError::TooLarge);
    }
    let rows = match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => decode(&bytes).and_then(|text| parse_csv(text, platforms)),
        Some("toml") => decode(&bytes).and_then(|text| parse_toml(text, platforms)),
        _ => return Err(TableError::Ending),
    };
    Ok(Read { hash: Sha256::digest(&bytes).into(), rows })
}

/// Lets a table pass that may take the place of the one in use.
///
/// # Errors
/// It has lost more than half of the rows.
pub(super) fn is_plausible(now: &Rows, next: Rows) -> Result<Rows, TableError> {
    let (before, after) = (now.len(), next.len());
    if after * 2 < before { Err(TableError::Shrunk { before, after }) } else { Ok(next) }
}

fn decode(bytes: &[u8]) -> Result<&str, TableError> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    // With or without its mark: the table's own words are ASCII, of which every other byte is zero.
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.contains(&0) {
        return Err(TableError::Utf16);
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        TableError::NotUtf8(before.split(|byte| *byte == b'\n').count())
    })
}

fn parse_csv(text: &str, platforms: &[&Platform]) -> Result<Rows, TableError> {
    if text.trim().is_empty() {
        return Err(TableError::NoRows);
    }
    if !text.ends_with('\n') {
        return Err(TableError::CutOff);
    }
    // The parser takes the end of the file for the end of a quoted cell. Within one, marks are doubled.
    if !text.matches('"').count().is_multiple_of(2) {
        return Err(TableError::OpenQuote);
    }
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|_| TableError::Header)?;
    if header.len() == 1 {
        let cell = header.get(0).unwrap_or_default();
        let signs = [(';', "semicolons"), ('\t', "tabs"), ('|', "vertical bars")];
        if let Some((_, name)) = signs.into_iter().find(|(sign, _)| cell.contains(*sign)) {
            return Err(TableError::Separator(name));
        }
    }
    let named = |column: &&str| header.iter().filter(|cell| cell == column).count() == 1;
    if header.len() != COLUMNS.len() || !COLUMNS.iter().all(named) {
        return Err(TableError::Header);
    }
    let rows = reader.deserialize().collect::<Result<Vec<Row>, csv::Error>>();
    let rows =
        rows.map_err(|error| TableError::Line(error.position().map_or(1, csv::Position::line)))?;
    // Row 1 of a CSV file is its header.
    collect(rows, platforms, 2)
}

fn parse_toml(text: &str, platforms: &[&Platform]) -> Result<Rows, TableError> {
    let table = toml::from_str::<TomlTable>(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        TableError::Line(1 + before.matches('\n').count() as u64)
    })?;
    collect(table.person, platforms, 1)
}

fn collect(rows: Vec<Row>, platforms: &[&Platform], first: usize) -> Result<Rows, TableError> {
    if rows.is_empty() {
        return Err(TableError::NoRows);
    }
    let mut table = Rows::with_capacity(rows.len());
    for (number, row) in (first..).zip(rows) {
        let id = SubscriberId::new(row.subscriber).map_err(|_| TableError::Empty(number))?;
        if row.workspace.trim().is_empty() || row.user.trim().is_empty() {
            return Err(TableError::Empty(number));
        }
        let platform = platforms.iter().find(|known| known.name == row.platform.as_str());
        let platform = platform.ok_or(TableError::Platform(number))?;
        let key = key(platform, &row.workspace, &row.user);
        let earlier = table.insert(key, id.clone());
        if earlier.is_some_and(|earlier| earlier != id) {
            return Err(TableError::Contradiction(number));
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{slack, teams};

    const HEAD: &str = "platform,workspace,user,subscriber\n";

    const PLATFORMS: &[&Platform] = &[&slack::PLATFORM, &teams::PLATFORM];

    fn csv(bytes: &[u8]) -> Result<Rows, TableError> {
        decode(bytes).and_then(|text| parse_csv(text, PLATFORMS))
    }

    fn toml(bytes: &[u8]) -> Result<Rows, TableError> {
        decode(bytes).and_then(|text| parse_toml(text, PLATFORMS))
    }

    fn utf16(text: &str, swap: bool) -> Vec<u8> {
        let bytes = |unit: u16| if swap { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn what_is_wrong_is_named_for_what_it_is() {
        let row = |row: &str| format!("{HEAD}{row}").into_bytes();
        let cases: Vec<(Vec<u8>, &str)> = vec![
            (row("slack,T1,U1,\n"), "row 2 has an empty cell"),
            (row("slack,T1,U1,a\nslack,T1,U1,b\n"), "row 3 gives a person"),
            (row("irc,T1,U1,a\n"), "row 2 names a platform"),
            (row("slack,T1,U1,a\nslack,T1\n"), "line 3 is not a row"),
            (row("slack,T1,U1,104"), "the last line is not whole"),
            (row("slack,T1,U1,\"a\n"), "a quotation mark is not closed"),
            (row(""), "the file has no rows"),
            (b"".to_vec(), "the file has no rows"),
            (b"\n \n".to_vec(), "the file has no rows"),
            (b"platform,workspace".to_vec(), "the last line is not whole"),
            (b"platform,workspace,user\nslack,T1,U1\n".to_vec(), "line 1 must name"),
            (b"platform,workspace,user,user\nslack,T1,U1,a\n".to_vec(), "line 1 must name"),
            (b"platform;workspace;user;subscriber\nslack;T1;U1;a\n".to_vec(), "by semicolons: use"),
            (b"platform\tworkspace\tuser\tsubscriber\n".to_vec(), "by tabs: use commas"),
            (utf16(&format!("\u{feff}{HEAD}"), false), "encoded as UTF-16"),
            (utf16(&format!("\u{feff}{HEAD}"), true), "encoded as UTF-16"),
            (utf16(HEAD, false), "encoded as UTF-16"),
            (
                row("slack,T1,U1,Zo\u{eb}\n").into_iter().filter(|byte| *byte != 0xc3).collect(),
                "line 2 is not UTF-8",
            ),
        ];
        for (bytes, problem) in cases {
            let error = csv(&bytes).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}, not {problem}");
        }
    }

    #[test]
    fn a_whole_table_is_taken_in_every_dress() {
        let quoted = "slack, T1 ,U1,\"a, \"\"b\"\"\"\n";
        for text in [
            format!("{HEAD}{quoted}"),
            format!("\u{feff}{HEAD}{quoted}"),
            format!("{HEAD}{quoted}\n").replace('\n', "\r\n"),
            "subscriber,user,workspace,platform\n\"a, \"\"b\"\"\",U1,T1,slack\n".to_owned(),
        ] {
            let rows = csv(text.as_bytes()).unwrap();
            assert_eq!(rows[&key(&slack::PLATFORM, "T1", "U1")].as_str(), "a, \"b\"");
        }
        let toml = "[[person]]\nplatform='slack'\nworkspace='T1'\nuser='U1'\nsubscriber='a'";
        assert_eq!(self::toml(toml.as_bytes()).unwrap().len(), 1);
        assert!(matches!(self::toml(b""), Err(TableError::NoRows)));
        assert!(matches!(self::toml(b"[[people]]\n"), Err(TableError::Line(_))));
    }

    #[test]
    fn ids_of_entra_are_one_in_either_case_and_slacks_are_not() {
        let rows = csv(format!("{HEAD}teams,3F25-A,0B1D-C,a\nslack,T1,U1,b\n").as_bytes()).unwrap();
        assert!(rows.contains_key(&key(&teams::PLATFORM, "3f25-a", "0b1d-c")));
        assert!(rows.contains_key(&key(&teams::PLATFORM, "3F25-a", "0b1D-C")));
        assert!(!rows.contains_key(&key(&slack::PLATFORM, "t1", "u1")));
        let twice = format!("{HEAD}teams,3F25,0B1D,a\nteams,3f25,0b1d,b\n");
        assert!(matches!(csv(twice.as_bytes()), Err(TableError::Contradiction(3))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_table_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = csv(&bytes);
            let _ = toml(&bytes);
        }

        /// Wherever a writer has got to, nobody gets another subscriber than the whole file gives them.
        #[test]
        fn a_table_that_is_cut_anywhere_gives_nobody_another_subscriber(
            ids in proptest::collection::vec("[0-9a-zé\", ]{1,6}[0-9a-z]", 1..5),
            cut in any::<proptest::sample::Index>(),
            toml in any::<bool>(),
        ) {
            let rows = ids.iter().enumerate().map(|(number, id)| if toml {
                let id = id.replace('"', "\\\"");
                format!("[[person]]\nplatform = \"slack\"\nworkspace = \"T1\"\nuser = \"U{number}\"\nsubscriber = \"{id}\"\n")
            } else {
                format!("slack,T1,U{number},\"{}\"\n", id.replace('"', "\"\""))
            });
            let text = if toml { String::new() } else { HEAD.to_owned() } + &rows.collect::<String>();
            let parse = if toml { self::toml } else { csv };
            let whole = parse(text.as_bytes()).unwrap();
            if let Ok(rows) = parse(&text.as_bytes()[..cut.index(text.len())]) {
                for (person, id) in &rows {
                    prop_assert_eq!(whole.get(person), Some(id));
                }
            }
        }
    }
}
