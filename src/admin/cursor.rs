//! The opaque words by which a list goes on where its last page ended.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest cursor that is read, in bytes.
const LONGEST: usize = 2048;

use super::problem::{Kind, Problem};

/// Writes a place in a list.
pub(super) fn write(place: &impl Serialize) -> String {
    // Texts and numbers always have a JSON form.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).unwrap_or_default())
}

/// Reads a place in a list; none where it is none of this list.
pub(super) fn read<T: DeserializeOwned>(cursor: &str) -> Option<T> {
    let fits = cursor.len() <= LONGEST;
    let place = fits.then(|| URL_SAFE_NO_PAD.decode(cursor).ok()).flatten()?;
    serde_json::from_slice(&place).ok()
}

/// What is said where a cursor is none of this list.
pub(super) fn unknown() -> Problem {
    Problem::new(
        Kind::BadParameter,
        "In the query: cursor has to be what the page before says, of the same list.",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_is_read_as_it_was_written(chain in ".{0,40}", number: i64) {
            let cursor = write(&(chain.as_str(), number));
            prop_assert!(cursor.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it)));
            prop_assert_eq!(read::<(String, i64)>(&cursor), Some((chain, number)));
        }

        #[test]
        fn whatever_else_comes_is_no_place(cursor in ".{0,60}") {
            let _ = read::<(String, i64)>(&cursor);
        }
    }

    #[test]
    fn what_is_longer_than_any_place_is_not_read() {
        assert_eq!(read::<String>(&write(&"x".repeat(LONGEST))), None);
    }
}
