//! Typed keys: each is declared once, beside its owner, with its meaning, default and parser.
//!
//! The reader, the messages about wrong keys and the test of `config.example.toml` all go by these
//! declarations. A default stands there as an operator would write it, and is parsed like any other
//! value.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use super::complaint::{Complaint, Parsed};

/// Environment variables that configure the service start with this.
pub(super) const ENV_PREFIX: &str = "CONNECT_";

/// What the engine knows of a key whatever its type.
#[derive(Debug)]
pub struct KeyInfo {
    /// `section.key`, as in the file.
    pub name: &'static str,
    /// What to put there: a phrase that completes "set it to …".
    pub meaning: &'static str,
    /// The value that applies when none is given; lists are comma-separated.
    pub default: Option<&'static str>,
    /// Whether the value must not print, and may come from a file named by `…_FILE`.
    pub secret: bool,
}

impl KeyInfo {
    /// The section, which is the part of the name before the dot.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(section, _)| section)
    }

    /// The environment variable, such as `CONNECT_NOVU__API_KEY`.
    #[must_use]
    pub fn env(&self) -> String {
        format!("{ENV_PREFIX}{}", self.name.replace('.', "__").to_uppercase())
    }
}

/// A key whose value, or each of whose values, is a `T`.
pub struct Key<T, S = One> {
    info: KeyInfo,
    pub(super) parse: fn(&str) -> Parsed<T>,
    pub(super) doubt: Option<fn(&T) -> Option<Complaint>>,
    shape: PhantomData<S>,
}

/// A key with a list of values.
pub type ListKey<T> = Key<T, Many>;

/// Says that a [`Key`] takes one value.
#[derive(Debug)]
pub enum One {}

/// Says that a [`Key`] takes a list.
#[derive(Debug)]
pub enum Many {}

impl<T, S> Key<T, S> {
    /// A key with its name, its meaning (a phrase that completes "set it to …") and what a value
    /// must look like.
    #[must_use]
    pub const fn new(
        name: &'static str,
        meaning: &'static str,
        parse: fn(&str) -> Parsed<T>,
    ) -> Self {
        let info = KeyInfo { name, meaning, default: None, secret: false };
        Self { info, parse, doubt: None, shape: PhantomData }
    }

    /// The same with a default.
    #[must_use]
    pub const fn or(mut self, default: &'static str) -> Self {
        self.info.default = Some(default);
        self
    }

    /// The same as a secret.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.info.secret = true;
        self
    }

    /// The same with a second look at values that parse: about those that `doubt` has words for
    /// there is a warning.
    #[must_use]
    pub const fn doubting(mut self, doubt: fn(&T) -> Option<Complaint>) -> Self {
        self.doubt = Some(doubt);
        self
    }

    /// The key without its type.
    #[must_use]
    pub const fn info(&self) -> &KeyInfo {
        &self.info
    }
}

impl<T, S> Deref for Key<T, S> {
    type Target = KeyInfo;

    fn deref(&self) -> &KeyInfo {
        &self.info
    }
}

impl<T, S> fmt::Debug for Key<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.info.fmt(f)
    }
}

/// A section of the configuration: its name and its keys. Made by [`section!`](crate::section).
#[derive(Debug)]
pub struct Section {
    /// The name, as in the file.
    pub name: &'static str,
    /// The keys, in the order in which they are declared.
    pub keys: &'static [&'static KeyInfo],
}

/// Every key of the sections.
pub(super) fn keys(sections: &[&'static Section]) -> impl Iterator<Item = &'static KeyInfo> {
    sections.iter().flat_map(|section| section.keys.iter().copied())
}

/// Declares a section and its keys, so that a key is one entry: what is declared is listed too.
///
/// See the [module](crate::config) for an example.
#[macro_export]
macro_rules! section {
    (
        $(#[$about:meta])*
        $section_scope:vis $section:ident = $name:literal;
        $($(#[$note:meta])* $scope:vis $key:ident: $type:ty = $declared:expr;)+
    ) => {
        $($(#[$note])* $scope static $key: $type = $declared;)+

        $(#[$about])*
        $section_scope static $section: $crate::config::Section =
            $crate::config::Section { name: $name, keys: &[$($key.info()),+] };
    };
}
