//! The command line of `novu-connect-bot`.

fn main() {}
