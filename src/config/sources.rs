//! Gathers what was given for each key: the file first, then the environment, then secret files.
//!
//! This knows names and precedence, not meaning: values stay text until the reader asks for them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fmt, io};

use toml::{Table, Value};

use super::keys::{ENV_PREFIX, KeyInfo, Section, keys};
use super::problems::Problems;

/// Reads a file to text. Injected, so that tests need no files.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<String>;

/// Variables with the prefix that the command line reads, not the configuration.
const OTHER_VARIABLES: [&str; 2] = ["CONNECT_CONFIG", "CONNECT_LOG"];
/// What an environment variable ends with when it names a file that holds the secret.
const FILE_SUFFIX: &str = "_FILE";
/// How alike two names must be for one to be suggested for the other.
const LIKENESS: f64 = 0.75;

/// Where values come from: the content of a file, and environment variables.
#[derive(Default)]
pub struct Sources {
    file: Option<String>,
    env: BTreeMap<String, String>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

impl Sources {
    /// The content of a file, if there is one, and environment variables. Of variables without the
    /// prefix `CONNECT_` only those of [`Sources::variable`] are looked at.
    pub fn new(file: Option<String>, env: impl IntoIterator<Item = (String, String)>) -> Self {
        // Sorted, so that the same mistakes are always told in the same order.
        Self { file, env: env.into_iter().collect() }
    }

    /// An environment variable that is not a key of ours.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }

    /// This process's environment, and the file of that path, if any.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of_process(path: Option<&Path>) -> Result<Self, Problems> {
        let file = path.map(read_text).transpose().map_err(|error| {
            let mut problems = Problems::default();
            problems.only(format!("The configuration file {}.", unreadable(&error)));
            problems
        })?;
        // What is not Unicode keeps its name and gets a replacement character, which is refused.
        let env = std::env::vars_os().map(|(name, value)| {
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        });
        Ok(Self::new(file, env))
    }

    /// The values of the sections' keys, with what is wrong with how they were given.
    pub(super) fn gather(
        &self,
        sections: &[&'static Section],
        read_file: Option<ReadFile<'_>>,
    ) -> (Values, Problems) {
        let (values, problems) = (Values::default(), Problems::default());
        let mut gathering = Gathering { sections, read_file, values, problems };
        if let Some(file) = &self.file {
            gathering.take_file(file);
        }
        let ours = self.env.iter().filter(|(name, _)| name.starts_with(ENV_PREFIX));
        gathering.take_env(&ours.map(|(name, value)| (name.clone(), value.clone())).collect());
        (gathering.values, gathering.problems)
    }
}

/// What was given for one key.
pub(super) enum Given {
    /// One value; for a list, its entries separated by commas or line ends.
    One(String),
    /// A list from the file.
    Many(Vec<String>),
    /// Something unusable, of which a problem tells already.
    Spoilt,
    /// A secret that nobody wants to see.
    Withheld,
}

/// What was given, by key.
#[derive(Default)]
pub(super) struct Values {
    given: BTreeMap<&'static str, Given>,
    sections: BTreeSet<&'static str>,
    /// Keys that seem to be given under another name.
    meant: BTreeSet<&'static str>,
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").finish_non_exhaustive()
    }
}

impl Values {
    /// What was given for a key.
    pub(super) fn get(&self, key: &KeyInfo) -> Option<&Given> {
        self.given.get(key.name)
    }

    /// Whether a key seems to be given under another name.
    pub(super) fn is_meant(&self, key: &KeyInfo) -> bool {
        self.meant.contains(key.name)
    }

    /// Whether a section was begun in the file, or one of its keys given anywhere.
    pub(super) fn has_section(&self, section: &str) -> bool {
        self.sections.contains(section)
    }
}

/// The sources on their way to becoming values.
struct Gathering<'a> {
    sections: &'a [&'static Section],
    /// Reads the files that hold secrets; without it, secrets are withheld.
    read_file: Option<ReadFile<'a>>,
    values: Values,
    problems: Problems,
}

impl<'a> Gathering<'a> {
    fn keys(&self) -> impl Iterator<Item = &'static KeyInfo> + use<'a> {
        keys(self.sections)
    }

    fn find(&self, name: &str) -> Option<&'static KeyInfo> {
        self.keys().find(|key| key.name == name)
    }

    fn set(&mut self, key: &'static KeyInfo, given: Given) {
        let given = if key.secret && self.read_file.is_none() { Given::Withheld } else { given };
        self.values.sections.insert(key.section());
        self.values.given.insert(key.name, given);
    }

    /// Takes note that a key seems to be given under another name.
    fn mean(&mut self, key: Option<&'static KeyInfo>) {
        self.values.meant.extend(key.map(|key| key.name));
    }

    fn spoil(&mut self, key: &'static KeyInfo, complaint: &str) {
        self.set(key, Given::Spoilt);
        self.problems.blame(key, complaint);
    }

    fn take_file(&mut self, file: &str) {
        let table = match file.parse::<Table>() {
            Ok(table) => table,
            Err(error) => return self.problems.only(syntax_problem(file, &error)),
        };
        let names = || self.sections.iter().map(|section| section.name);
        for (name, value) in table {
            let known = names().find(|known| *known == name);
            match (known, value) {
                (Some(known), Value::Table(entries)) => {
                    self.values.sections.insert(known);
                    self.take_section(known, entries);
                }
                (Some(_), _) => {
                    self.problems.add(format!("{name} is a section: write [{name}]."));
                }
                (None, Value::Table(entries)) => {
                    let meant = nearest(&name, names());
                    let hint = meant.map_or_else(String::new, |meant| hint(&format!("[{meant}]")));
                    self.problems.add(format!("There is no section [{name}]: remove it{hint}."));
                    if let Some(meant) = meant {
                        self.values.sections.insert(meant);
                        for (entry, _) in entries {
                            self.mean(self.find(&format!("{meant}.{entry}")));
                        }
                    }
                }
                (None, _) => {
                    self.problems.add(format!("{name} stands in no section: move it into one."));
                }
            }
        }
    }

    fn take_section(&mut self, section: &str, entries: Table) {
        for (name, value) in entries {
            let name = format!("{section}.{name}");
            match (self.find(&name), given(value)) {
                (Some(key), Some(given)) => self.set(key, given),
                (Some(key), None) => {
                    self.spoil(key, "has the wrong type: write a text or a list of texts");
                }
                (None, _) => {
                    let meant = nearest(&name, self.keys().map(|key| key.name));
                    let hint = meant.map_or_else(String::new, hint);
                    self.problems.add(format!("There is no key {name}: remove it{hint}."));
                    self.mean(meant.and_then(|meant| self.find(meant)));
                }
            }
        }
    }

    fn take_env(&mut self, env: &BTreeMap<String, String>) {
        for (variable, value) in env {
            if let Some(key) = self.keys().find(|key| key.env() == *variable) {
                self.take_variable(key, value);
            } else if let Some(key) = self.secret_in_file(variable) {
                if env.contains_key(&key.env()) {
                    let complaint = format!("is given twice: unset it or {variable}");
                    self.problems.blame(key, complaint);
                } else {
                    self.take_secret_file(key, variable, Path::new(value));
                }
            } else if self.is_meant_for_us(variable) {
                let meant = nearest(variable, self.keys().map(KeyInfo::env));
                let hint = meant.as_deref().map_or_else(String::new, hint);
                self.problems.add(format!("There is no variable {variable}: unset it{hint}."));
                self.mean(self.keys().find(|key| Some(key.env()) == meant));
            }
        }
    }

    fn take_variable(&mut self, key: &'static KeyInfo, value: &str) {
        if value.contains(char::REPLACEMENT_CHARACTER) {
            self.spoil(key, "is not valid UTF-8: set it anew");
        } else {
            self.set(key, Given::One(value.to_owned()));
        }
    }

    fn take_secret_file(&mut self, key: &'static KeyInfo, variable: &str, path: &Path) {
        let Some(read_file) = self.read_file else { return self.set(key, Given::Withheld) };
        match read_file(path) {
            Ok(content) => {
                self.set(key, Given::One(content.trim_end_matches(['\r', '\n']).to_owned()));
            }
            Err(error) => {
                self.set(key, Given::Spoilt);
                let problem = format!("{variable} names a file that {}.", unreadable(&error));
                self.problems.add(problem);
            }
        }
    }

    fn secret_in_file(&self, variable: &str) -> Option<&'static KeyInfo> {
        let name = variable.strip_suffix(FILE_SUFFIX)?;
        self.keys().find(|key| key.secret && key.env() == name)
    }

    /// Whether a variable is an attempt at a key.
    ///
    /// Kubernetes sets `CONNECT_PORT` and the like for a service that is called `connect`. Those
    /// have no double underscore; without one, only what would be a key if it had one is taken for
    /// a slip.
    fn is_meant_for_us(&self, variable: &str) -> bool {
        let single = |name: &str| name.replace("__", "_");
        if OTHER_VARIABLES.contains(&variable) {
            return false;
        }
        variable.contains("__") || self.keys().any(|key| single(&key.env()) == variable)
    }
}

/// Reads a text file, with or without the mark that some programs begin UTF-8 with.
///
/// # Errors
/// The file cannot be read; or, as [`io::ErrorKind::InvalidData`] and in words that say what to do, it is
/// not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let bytes = std::fs::read(path)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    // Without its mark too: our names are ASCII, of which every other byte is zero then.
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.contains(&0) {
        let words = "is encoded as UTF-16: save it as UTF-8";
        return Err(io::Error::new(io::ErrorKind::InvalidData, words));
    }
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let line = line_of(bytes, error.valid_up_to());
        let words = format!("is not UTF-8, in line {line}: save it as UTF-8");
        io::Error::new(io::ErrorKind::InvalidData, words)
    })
}

/// How a complaint about a file goes on that cannot be read.
fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::InvalidData => error.to_string(),
        io::ErrorKind::NotFound => {
            "cannot be read, as it is not there: correct its path".to_owned()
        }
        kind => format!("cannot be read ({kind}): correct its path or its permissions"),
    }
}

/// The number of the line that a byte is in.
fn line_of(text: &[u8], position: usize) -> usize {
    text.iter().take(position).filter(|byte| **byte == b'\n').count() + 1
}

fn syntax_problem(file: &str, error: &toml::de::Error) -> String {
    // The error's own text would quote the line, which may hold a secret.
    let start = error.span().map_or(0, |span| span.start);
    let line = line_of(file.as_bytes(), start);
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

/// What follows a known name that may have been meant.
fn hint(meant: &str) -> String {
    format!(" or correct it to {meant}")
}

/// The known name that is most like an unknown one, if any is much like it. Case is no difference.
fn nearest<N: AsRef<str>>(unknown: &str, known: impl Iterator<Item = N>) -> Option<N> {
    let lower = |name: &str| bare(name).to_lowercase();
    let likeness =
        |name: &str| strsim::normalized_damerau_levenshtein(&lower(unknown), &lower(name));
    known
        .map(|name| (likeness(name.as_ref()), name))
        .filter(|(likeness, _)| *likeness > LIKENESS)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

/// A name without what variables share, which is no likeness.
fn bare(name: &str) -> &str {
    name.trim_start_matches(ENV_PREFIX).trim_end_matches(FILE_SUFFIX)
}
