//! The client over real HTTP, against a stub that answers from a script.
