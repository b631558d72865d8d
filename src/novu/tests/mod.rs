//! The client over real HTTP, against a stub that answers from a script.

mod calls;
mod stub;
mod trouble;
