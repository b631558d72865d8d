//! How the configuration writes times: `250ms`, `2s`, `5m`, `24h`.

use std::time::Duration;

/// Reads a whole number with a unit `ms`, `s`, `m` or `h`; `None` for anything else.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    }
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
    fn whole_numbers_with_a_unit_are_times() {
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
            ("2sec", None),
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
