//! JSON objects, and only objects.

use serde::Deserialize;

/// Reads an object. The reader that serde derives for a struct would also take an array that lists
/// the fields in their order, which nobody means and other readers do not understand.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Option<T> {
    if text.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(text).ok()
}
