//! What is wrong with one value, in words.

use std::borrow::Cow;

/// How a complaint goes on after the name of the key: "is not …: write …".
pub type Complaint = Cow<'static, str>;

/// A value, or the complaint about it.
pub type Parsed<T> = Result<T, Complaint>;
