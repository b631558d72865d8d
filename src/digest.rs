//! The hash of several texts.

use sha2::{Digest, Sha256};

/// The SHA-256 of parts, each with its length, so that no two lists of parts read the same.
pub(crate) fn digest_of<'a>(parts: impl IntoIterator<Item = &'a str>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lists_of_parts_have_one_digest() {
        let lists: [&[&str]; 6] = [&[], &[""], &["", ""], &["ab"], &["a", "b"], &["b", "a"]];
        let digests: std::collections::HashSet<_> =
            lists.iter().map(|list| digest_of(list.iter().copied())).collect();
        assert_eq!(digests.len(), lists.len());
    }
}
