//! From a question to its answer in front of one person, once for all platforms.

pub mod pace;
