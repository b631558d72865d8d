//! Identifiers as parts of a path.

/// Percent-encodes an identifier for use as one path segment. `Url`'s own segment setter is no
/// help: it drops tabs and line breaks, which would address something else. No encoding makes a
/// segment of an identifier that is empty or just dots.
#[must_use]
pub fn encode_segment(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes())
        .map(|piece| if piece == "+" { "%20" } else { piece })
        .collect()
}
