//! The language of a page: the one that the browser's reader likes best.
//!
//! The token does not carry the language that the person chose in the chat. A page for a token
//! that cannot be read needs a language as well, and a person should not be spoken to in two.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

use crate::core::Language;

/// Languages that are looked at; browsers list as many as people configure, which is a few.
const MOST_RANGES: usize = 16;

/// The reader's favourite among the languages of the catalogue (RFC 9110, Accept-Language).
pub(super) fn preferred(headers: &HeaderMap) -> Language {
    let wanted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let mut wanted: Vec<_> = wanted
        .unwrap_or_default()
        .split(',')
        .take(MOST_RANGES)
        .filter_map(|range| {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            Some((tag.trim(), weight_of(weight)?))
        })
        .collect();
    // Stable: what comes first wins among equals.
    wanted.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    Language::best_of(wanted.into_iter().map(|(tag, _)| tag))
}

/// The weight, if it lets the language be used at all.
fn weight_of(parameter: &str) -> Option<f32> {
    let weight = parameter.trim().strip_prefix("q=")?.parse().ok()?;
    (0.0..=1.0).contains(&weight).then_some(weight).filter(|weight| *weight > 0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn preferred_of(header: &str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, header.parse().unwrap());
        preferred(&headers)
    }

    #[test]
    fn the_favourite_that_the_catalogue_has_wins() {
        let cases = [
            ("de", Language::German),
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("en-GB,de;q=0.9", Language::English),
            ("fr,de;q=0.5,en;q=0.4", Language::German),
            ("en;q=0.2, DE ; q=0.7", Language::German),
            ("de;q=0, en;q=0.1", Language::English),
            ("de;q=nan", Language::English),
            ("de;q=7", Language::English),
            ("fr", Language::English),
            ("*", Language::English),
            ("den", Language::English),
            ("", Language::English),
        ];
        for (header, language) in cases {
            assert_eq!(preferred_of(header), language, "{header:?}");
        }
        assert_eq!(preferred(&HeaderMap::new()), Language::English);
    }

    proptest! {
        #[test]
        fn any_header_names_a_language(header in "[ -~]{0,200}") {
            preferred_of(&header);
        }
    }
}
