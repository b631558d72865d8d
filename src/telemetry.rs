//! Log lines: what is told, in which form, and where to. They go to standard error.

use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The environment variable that holds the filter, such as `info` or `info,hyper=debug`.
pub const FILTER_VARIABLE: &str = "CONNECT_LOG";
/// What the service tells unless the variable says otherwise.
/// What the database's client notes by the way is told by the store, in words with a fix.
pub const FOR_OPERATION: &str = "info,sqlx=error";
/// What a command tells beside its report: why another system failed.
pub const BESIDE_A_REPORT: &str = "warn,sqlx=error";
/// What a command tells that has a person before it and talks to them itself.
pub const FOR_COMPANY: &str = "error";

/// Starts logging, and logs panics from then on. To be called once, first thing in a command.
///
/// For a person at a terminal lines are coloured text, for everything else JSON. A filter that makes
/// no sense is told of and replaced by `default`.
pub fn start(default: &'static str) {
    let filter = std::env::var_os(FILTER_VARIABLE);
    let given = filter.as_deref().and_then(|text| text.to_str());
    let (filter, bad_filter) = parse_filter(given, default);
    let human = std::io::stderr().is_terminal();
    if tracing::dispatcher::set_global_default(dispatch(filter, human, std::io::stderr)).is_err() {
        return;
    }
    std::panic::set_hook(Box::new(log_panic));
    if bad_filter {
        tracing::warn!("{FILTER_VARIABLE} is not a filter, using {default:?}");
    }
}

/// The filter, and whether the default had to replace what was given.
fn parse_filter(given: Option<&str>, default: &str) -> (EnvFilter, bool) {
    let given = given.filter(|text| !text.trim().is_empty()).unwrap_or(default);
    match EnvFilter::try_new(given) {
        Ok(filter) if filter_problem(given).is_none() => (filter, false),
        _ => (EnvFilter::new(default), true),
    }
}

/// What is wrong with a filter, if anything, in words that go on after the variable's name.
///
/// A lone word is a level. For the library it may be a target too, so that `inof` would mean: nothing
/// but what a library of that name has to say.
#[must_use]
pub fn filter_problem(text: &str) -> Option<&'static str> {
    let is_level = |word: &str| word.parse::<LevelFilter>().is_ok();
    let is_lone = |directive: &&str| !directive.contains(['=', '[', ':']);
    let mut lone = text.split(',').map(str::trim).filter(|word| !word.is_empty()).filter(is_lone);
    if !lone.all(|word| is_level(word) || word == env!("CARGO_CRATE_NAME")) {
        return Some(
            "has a word that is no level: write error, warn, info, debug or trace, or a \
                     part with its level like info,novu_connect_bot=debug",
        );
    }
    EnvFilter::try_new(text)
        .is_err()
        .then_some("is no filter: write it like info or info,novu_connect_bot=debug")
}

/// A log with this filter, as coloured text for a person or else as one JSON object for each line.
pub fn dispatch<W>(filter: EnvFilter, human: bool, writer: W) -> tracing::Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    if human {
        lines.with_ansi(true).into()
    } else {
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false).into()
    }
}

/// Logs where a panic happened. Its words are told only if they were fixed when this was compiled:
/// formatted ones may hold anything, a secret too.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    let words = panic.payload().downcast_ref::<&'static str>();
    tracing::error!(place, words, "panic");
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged in between, as a machine reads it or as a person does.
    fn logged(human: bool, filter: &str, log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let dispatch = dispatch(EnvFilter::new(filter), human, move || writer.clone());
        tracing::dispatcher::with_default(&dispatch, log);
        lines.text()
    }

    #[test]
    fn machines_get_one_json_object_per_line() {
        let text = logged(false, "info", || {
            let request = tracing::info_span!("request", reference = "REF1");
            request.in_scope(|| tracing::info!(answer = "sign-in", "answered"));
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "answered");
        assert_eq!(line["answer"], "sign-in");
        assert_eq!(line["span"]["reference"], "REF1");
    }

    #[test]
    fn people_get_words() {
        let text = logged(true, "info", || tracing::info!("ready"));
        assert!(text.contains("ready") && !text.starts_with('{'), "{text}");
    }

    #[test]
    fn the_filter_decides_what_is_told() {
        let text = logged(true, "warn", || tracing::info!("ready"));
        assert_eq!(text, "");
        assert_eq!(parse_filter(None, "info").0.to_string(), "info");
        assert_eq!(parse_filter(Some(" "), "info").0.to_string(), "info");
        assert_eq!(parse_filter(Some("warn"), "info").0.to_string(), "warn");
        let (filter, bad) = parse_filter(Some("==="), "info");
        assert_eq!((filter.to_string(), bad), ("info".to_owned(), true));
        for default in [FOR_OPERATION, FOR_COMPANY] {
            assert_eq!(filter_problem(default), None);
        }
    }

    #[test]
    fn a_filter_is_made_of_levels_and_parts_with_their_levels() {
        for text in [
            "",
            "info",
            "WARN",
            "off",
            "info,novu_connect_bot=debug",
            "novu_connect_bot",
            "novu_connect_bot::net=trace",
            "info,[request]=debug",
        ] {
            assert_eq!(filter_problem(text), None, "{text}");
        }
        for text in [
            "inof",
            "verbose",
            "info, hyper=off",
            "\"info\"",
            "info,debg",
            "===",
            "hyper=loud",
            "info;debug",
        ] {
            assert!(filter_problem(text).is_some(), "{text}");
        }
    }

    #[test]
    #[expect(clippy::panic, reason = "that is what is tested")]
    fn a_panic_is_logged_without_formatted_words() {
        let text = logged(false, "info", || {
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(log_panic));
            let secret = "s3cret";
            let _ = std::panic::catch_unwind(|| panic!("with {secret}"));
            let _ = std::panic::catch_unwind(|| panic!("fixed words"));
            std::panic::set_hook(usual);
        });
        assert!(!text.contains("s3cret"), "{text}");
        assert!(text.contains("fixed words") && text.contains("telemetry.rs"), "{text}");
    }
}
