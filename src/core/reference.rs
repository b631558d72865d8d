//! The references by which a person and an operator speak of the same answer.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// The reference that a person can quote and an operator can find in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Reference([u8; 8]);

/// Crockford's alphabet: no letters that look like digits, nothing to misread aloud.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Reference {
    /// A fresh reference.
    #[must_use]
    pub fn new(random: &dyn Random) -> Self {
        let mut bits = [0; 5];
        random.fill(&mut bits);
        Self::from_random(bits)
    }

    /// Turns forty random bits into eight characters.
    #[must_use]
    pub fn from_random(bits: [u8; 5]) -> Self {
        let mut number = u64::from_be_bytes([0, 0, 0, bits[0], bits[1], bits[2], bits[3], bits[4]]);
        let mut text = [0; 8];
        for character in text.iter_mut().rev() {
            let index = usize::try_from(number & 31).unwrap_or_default();
            *character = ALPHABET[index];
            number >>= 5;
        }
        Self(text)
    }

    /// Its eight characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.as_str().to_owned()
    }
}

impl TryFrom<String> for Reference {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes: [u8; 8] =
            text.as_bytes().try_into().map_err(|_| "a reference has eight characters")?;
        if bytes.iter().all(|byte| ALPHABET.contains(byte)) {
            Ok(Self(bytes))
        } else {
            Err("a reference has letters and digits only")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_survive_the_store_and_nothing_else_passes_for_one() {
        let reference = Reference::from_random([0xff, 0, 1, 2, 0x80]);
        assert_eq!(reference.as_str().len(), 8);
        assert_eq!(Reference::try_from(String::from(reference)), Ok(reference));
        assert!(Reference::try_from("short".to_owned()).is_err());
        assert!(Reference::try_from("lowercas".to_owned()).is_err());
    }
}
