//! Gathers what was given for each key: the file first, then the environment, then secret files.
//!
//! This knows names and precedence, not meaning: values stay text until the reader asks for them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use toml::{Table, Value};

use super::keys::{self, ENV_PREFIX, KEYS, Key};
use super::problems::Problems;

/// Reads a file to text. Injected, so that tests need no files.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<String>;

/// Variables with the prefix that the command line reads, not the configuration.
const OTHER_VARIABLES: [&str; 2] = ["CONNECT_CONFIG", "CONNECT_LOG"];
/// What an environment variable ends with when it names a file that holds the secret.
const FILE_SUFFIX: &str = "_FILE";
/// How alike two names must be for one to be suggested for the other.
const LIKENESS: f64 = 0.75;

/// What was given for one key.
pub(super) enum Given {
    /// One value; for a list, its entries separated by commas or line ends.
    One(String),
    /// A list from the file.
    Many(Vec<String>),
    /// Something unusable, of which a problem tells already.
    Spoilt,
}

/// What was given, by key.
#[derive(Default)]
pub(super) struct Values {
    given: BTreeMap<&'static str, Given>,
    sections: BTreeSet<&'static str>,
}

impl Values {
    /// What was given for the key of that name.
    pub(super) fn get(&self, name: &str) -> Option<&Given> {
        self.given.get(name)
    }

    /// Whether a section was begun in the file, or one of its keys given anywhere.
    pub(super) fn has_section(&self, section: &str) -> bool {
        self.sections.contains(section)
    }

    /// Gathers all sources; what is wrong with them goes to `problems`.
    pub(super) fn gather(
        file: Option<&str>,
        env: impl IntoIterator<Item = (String, String)>,
        read_file: ReadFile<'_>,
        problems: &mut Problems,
    ) -> Self {
        let mut values = Self::default();
        if let Some(file) = file {
            values.take_file(file, problems);
        }
        // Sorted, so that the same mistakes are always told in the same order.
        let env = env.into_iter().filter(|(name, _)| name.starts_with(ENV_PREFIX)).collect();
        values.take_env(&env, read_file, problems);
        values
    }

    fn set(&mut self, key: &'static Key, given: Given) {
        self.sections.insert(key.section());
        self.given.insert(key.name, given);
    }

    fn take_file(&mut self, file: &str, problems: &mut Problems) {
        let table = match file.parse::<Table>() {
            Ok(table) => table,
            Err(error) => return problems.add(syntax_problem(file, &error)),
        };
        for (section, value) in table {
            let known = KEYS.iter().map(Key::section).find(|known| *known == section);
            match (known, value) {
                (Some(known), Value::Table(entries)) => {
                    self.sections.insert(known);
                    self.take_section(known, entries, problems);
                }
                (Some(_), _) => problems.add(format!("{section} is a section: write [{section}].")),
                (None, Value::Table(_)) => problems.add(format!(
                    "There is no section [{section}]: remove it{}.",
                    hint(&section, KEYS.iter().map(Key::section)),
                )),
                (None, _) => {
                    problems.add(format!("{section} stands in no section: move it into one."));
                }
            }
        }
    }

    fn take_section(&mut self, section: &str, entries: Table, problems: &mut Problems) {
        for (name, value) in entries {
            let name = format!("{section}.{name}");
            match (keys::find(&name), given(value)) {
                (Some(key), Some(given)) => self.set(key, given),
                (Some(key), None) => {
                    self.set(key, Given::Spoilt);
                    problems.blame(key, "has the wrong type: write a text or a list of texts");
                }
                (None, _) => problems.add(format!(
                    "There is no key {name}: remove it{}.",
                    hint(&name, KEYS.iter().map(|key| key.name)),
                )),
            }
        }
    }

    fn take_env(
        &mut self,
        env: &BTreeMap<String, String>,
        read_file: ReadFile<'_>,
        problems: &mut Problems,
    ) {
        for (variable, value) in env {
            if let Some(key) = KEYS.iter().find(|key| key.env() == *variable) {
                self.take_variable(key, value, problems);
            } else if let Some(key) = secret_in_file(variable) {
                if env.contains_key(&key.env()) {
                    let complaint = format!("is given twice: unset it or {variable}");
                    problems.blame(key, complaint);
                } else {
                    self.take_secret_file(key, variable, Path::new(value), read_file, problems);
                }
            } else if is_meant_for_us(variable) {
                problems.add(format!(
                    "There is no variable {variable}: unset it{}.",
                    hint(variable, KEYS.iter().map(Key::env)),
                ));
            }
        }
    }

    fn take_variable(&mut self, key: &'static Key, value: &str, problems: &mut Problems) {
        if value.contains(char::REPLACEMENT_CHARACTER) {
            self.set(key, Given::Spoilt);
            problems.blame(key, "is not valid UTF-8: set it anew");
        } else {
            self.set(key, Given::One(value.to_owned()));
        }
    }

    fn take_secret_file(
        &mut self,
        key: &'static Key,
        variable: &str,
        path: &Path,
        read_file: ReadFile<'_>,
        problems: &mut Problems,
    ) {
        match read_file(path) {
            Ok(content) => {
                self.set(key, Given::One(content.trim_end_matches(['\r', '\n']).to_owned()));
            }
            Err(error) => {
                self.set(key, Given::Spoilt);
                problems.add(format!(
                    "{variable} names a file that cannot be read ({}): correct the path or its \
                     permissions.",
                    error.kind(),
                ));
            }
        }
    }
}

fn syntax_problem(file: &str, error: &toml::de::Error) -> String {
    // The error's own text would quote the line, which may hold a secret.
    let start = error.span().map_or(0, |span| span.start);
    let line = file.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
    format!("The configuration file is not TOML: correct line {line}.")
}

fn given(value: Value) -> Option<Given> {
    match value {
        Value::Array(entries) => {
            entries.into_iter().map(scalar).collect::<Option<_>>().map(Given::Many)
        }
        value => scalar(value).map(Given::One),
    }
}

fn scalar(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

fn secret_in_file(variable: &str) -> Option<&'static Key> {
    let name = variable.strip_suffix(FILE_SUFFIX)?;
    KEYS.iter().find(|key| key.secret && key.env() == name)
}

/// Whether a variable is an attempt at a key.
///
/// Kubernetes sets `CONNECT_PORT` and the like for a service that is called `connect`. Those have
/// no double underscore; without one, only what would be a key if it had one is taken for a slip.
fn is_meant_for_us(variable: &str) -> bool {
    let single = |name: &str| name.replace("__", "_");
    if OTHER_VARIABLES.contains(&variable) {
        return false;
    }
    variable.contains("__") || KEYS.iter().any(|key| single(&key.env()) == variable)
}

/// " or correct it to …" where a known name is much like the unknown one.
fn hint<N: AsRef<str>>(unknown: &str, known: impl Iterator<Item = N>) -> String {
    let likeness = |name: &str| strsim::normalized_damerau_levenshtein(bare(unknown), bare(name));
    known
        .map(|name| (likeness(name.as_ref()), name))
        .filter(|(likeness, _)| *likeness > LIKENESS)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map_or_else(String::new, |(_, name)| format!(" or correct it to {}", name.as_ref()))
}

/// A name without what variables share, which is no likeness.
fn bare(name: &str) -> &str {
    name.trim_start_matches(ENV_PREFIX).trim_end_matches(FILE_SUFFIX)
}
