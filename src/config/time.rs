//! How the configuration writes times: `250ms`, `2s`, `5m`, `24h`.

use std::time::Duration;

use jiff::fmt::friendly::SpanParser;

/// Reads whole numbers with their units, such as `2s` or `1m30s`; `None` for anything else.
///
/// This is what jiff calls friendly, in its strictest spelling: blanks, fractions and signs are more
/// often slips than wishes, and a bare number does not say what it counts.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let strict = text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    strict.then(|| SpanParser::new().parse_unsigned_duration(text).ok()).flatten()
}

/// Writes a time as [`parse`] reads it, in the largest unit that fits evenly.
pub(super) fn write(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let fitting = units.iter().find(|(_, length)| millis > 0 && millis.is_multiple_of(*length));
    match fitting {
        Some((unit, length)) => format!("{}{unit}", millis / length),
        None => format!("{millis}ms"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_numbers_with_their_units_are_times() {
        let cases = [
            ("250ms", Some(Duration::from_millis(250))),
            ("2s", Some(Duration::from_secs(2))),
            ("5m", Some(Duration::from_mins(5))),
            ("24h", Some(Duration::from_hours(24))),
            ("0s", Some(Duration::ZERO)),
            ("", None),
            ("2", None),
            ("s", None),
            ("2 s", None),
            (" 2s", None),
            ("2S", None),
            ("-2s", None),
            ("+2s", None),
            ("1.5s", None),
            ("1.s", None),
            (".5s", None),
            ("1e3s", None),
            ("2sago", None),
            ("01:00:00", None),
            ("PT2S", None),
            ("1m30s", Some(Duration::from_secs(90))),
            ("30s1m", None),
            ("2d", None),
            ("٢s", None),
            ("99999999999999999999s", None),
            ("18446744073709551615h", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(millis in 0..u64::MAX / 2) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&write(duration)), Some(duration));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = parse(&text);
        }
    }
}
