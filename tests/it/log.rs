//! The log of one story, as a machine reads it in operation, and the form that all log lines have.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use novu_connect_bot::telemetry;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// What the service's own events call themselves.
const OURS: &str = "novu_connect_bot";
/// What every line has beside the fields of its event.
const TAKEN: [&str; 5] = ["timestamp", "level", "target", "span", "spans"];

/// Every line that this thread logs, at the level of operation and as JSON. The service of a story
/// runs in the story's thread.
pub(crate) struct Log {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Begins to read. To be called before the service is started.
    pub(crate) fn read() -> Self {
        crate::canaries::listen();
        let lines = Lines::default();
        let writer = lines.clone();
        let log = telemetry::dispatch("info".parse().unwrap(), false, move || writer.clone());
        Self { lines, _guard: tracing::dispatcher::set_default(&log) }
    }

    /// All lines up to now.
    pub(crate) fn text(&self) -> String {
        let text = String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap();
        crate::canaries::assert_silent(&text);
        text
    }

    /// The lines that say this, each of which is a JSON object with no key twice.
    pub(crate) fn lines(&self, message: &str) -> Vec<Value> {
        let text = self.text();
        let all = text.lines().map(|line| {
            let NoneTwice = serde_json::from_str(line).unwrap();
            serde_json::from_str::<Value>(line).unwrap()
        });
        all.filter(|line| line["message"] == message).collect()
    }
}

/// An object that has no key twice.
struct NoneTwice;

impl<'de> Deserialize<'de> for NoneTwice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = NoneTwice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NoneTwice, A::Error> {
                let mut keys = BTreeSet::new();
                while let Some((key, _)) = map.next_entry::<String, Value>()? {
                    if !keys.insert(key.clone()) {
                        return Err(A::Error::custom(format!("{key} twice")));
                    }
                }
                Ok(NoneTwice)
            }
        }
        deserializer.deserialize_map(Each)
    }
}

/// Looks at every event of the whole suite for a field whose name the line has already.
pub(crate) struct Fields;

static COLLIDING: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl<S: Subscriber> Layer<S> for Fields {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if !metadata.target().starts_with(OURS) {
            return;
        }
        if let Some(field) = colliding(metadata.fields().iter().map(|field| field.name())) {
            let place = format!("{field} in {}:{:?}", metadata.target(), metadata.line());
            COLLIDING.lock().unwrap_or_else(PoisonError::into_inner).push(place);
        }
    }
}

/// The first name that is there already.
fn colliding<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen: BTreeSet<_> = TAKEN.into();
    names.into_iter().find(|name| !seen.insert(name))
}

/// Fails if a field has collided in any event up to now.
#[track_caller]
pub(crate) fn no_field_collides() {
    let colliding = COLLIDING.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(colliding.is_empty(), "{colliding:?}");
}

#[test]
fn a_name_that_a_line_has_already_is_found() {
    assert_eq!(colliding(["message", "status"].into_iter()), None);
    assert_eq!(colliding(["message", "status", "message"].into_iter()), Some("message"));
    assert_eq!(colliding(["message", "level"].into_iter()), Some("level"));
    assert!(serde_json::from_str::<NoneTwice>(r#"{"a":1,"b":2,"a":3}"#).is_err());
}
