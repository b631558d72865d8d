//! Sealed columns: what lets somebody in is encrypted before it is written to a database.
//!
//! AES-256-GCM-SIV (RFC 8452), whose nonces may be random for any number of rows. What is stored is
//!
//! ```text
//! version (1 byte) ‖ key id (4) ‖ nonce (12) ‖ ciphertext ‖ tag (16)
//! ```
//!
//! The associated data names version, table, column, row and key, so that a value opens in its own
//! place and nowhere else. [`SealedColumn`]s are declared here, all in one list, and nothing can be
//! sealed without one: whoever goes through [`SealedColumn::ALL`] has met every sealed value.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, rand};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

/// The form of sealed values. Another one gets another number.
const VERSION: u8 = 1;
/// The length of a key, in bytes.
const KEY_LENGTH: usize = 32;
/// The length of a key's id, in bytes.
const KEY_ID_LENGTH: usize = 4;
/// The length of the tag at the end, in bytes (RFC 8452).
const TAG_LENGTH: usize = 16;
/// What comes before the ciphertext: version, key id, nonce.
const HEAD_LENGTH: usize = 1 + KEY_ID_LENGTH + NONCE_LEN;
/// What a sealed value is longer than what is in it, in bytes.
const SEALED_EXTRA: usize = HEAD_LENGTH + TAG_LENGTH;

/// Keep what is derived from a key's text for sealing apart from anything else that may come of it.
const KEY_INFO: &[u8] = b"novu-connect-bot store sealing key 1";
const KEY_ID_INFO: &[u8] = b"novu-connect-bot store sealing key id 1";

/// A column whose values are sealed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SealedColumn {
    table: &'static str,
    column: &'static str,
    id: &'static str,
    id_type: IdType,
}

/// The type of the column that names a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdType {
    /// `BIGINT`.
    Number,
    /// `TEXT`.
    Text,
}

/// The row that a sealed value is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowId<'a> {
    /// As its `BIGINT` says.
    Number(i64),
    /// As its `TEXT` says.
    Text(&'a str),
}

/// What an operator does where a key is missing.
pub(super) const MISSING_KEY: &str = "put the key file back, or put the key into store.keys, behind the \
                                      first one; if the key is lost, move the database away and begin \
                                      anew";

/// Declares the sealed columns, each as `TABLE.COLUMN by` the type and name of what names a row, and
/// lists them.
macro_rules! sealed_columns {
    ($($(#[$note:meta])* $name:ident = $table:literal.$column:literal by $id_type:ident $id:literal;)+) => {
        $(
            $(#[$note])*
            pub(super) static $name: SealedColumn = SealedColumn {
                table: $table,
                column: $column,
                id: $id,
                id_type: IdType::$id_type,
            };
        )+

        impl SealedColumn {
            /// Every sealed column that there is.
            pub(super) const ALL: &'static [&'static Self] = &[$(&$name),+];
        }
    };
}

sealed_columns! {
    /// What a job's work needs, such as a response URL.
    JOBS_PAYLOAD = "jobs"."payload" by Number "id";
    /// A message that can change later, with the conversation that it is in.
    MESSAGES_BODY = "messages"."body" by Text "id";
    /// What is watched of a message: whose link it carries, and who has used it.
    MESSAGES_WATCH = "messages"."watch" by Text "id";
    /// Whose chat account is linked to which subscriber.
    LINKS_BODY = "links"."body" by Text "owner";
    /// The endpoint by which another subscriber holds a chat account.
    HELD_ENDPOINT = "held"."endpoint" by Text "owner";
    /// What a person's pseudonym in the audit is made with.
    PSEUDONYMS_SECRET = "pseudonyms"."secret" by Text "owner";
    /// Whom a personal page is for.
    PAGES_BODY = "pages"."body" by Text "id";
    /// Who asks for which workspace to be connected.
    WORKSPACE_REQUESTS_BODY = "workspace_requests"."body" by Text "id";
}

impl SealedColumn {
    /// The table that it is in.
    #[must_use]
    pub(super) const fn table(&self) -> &'static str {
        self.table
    }

    /// Its own name.
    #[must_use]
    pub(super) const fn column(&self) -> &'static str {
        self.column
    }

    /// The column that names the row.
    #[must_use]
    pub(super) const fn id(&self) -> &'static str {
        self.id
    }

    /// The type of the column that names the row.
    #[must_use]
    pub(super) const fn id_type(&self) -> IdType {
        self.id_type
    }

    /// What a value is bound to: each part with its length, so that no two places read the same.
    fn place(&self, row: RowId<'_>, key: KeyId) -> Vec<u8> {
        let number;
        let row = match row {
            RowId::Number(id) => {
                number = id.to_be_bytes();
                &number[..]
            }
            RowId::Text(id) => id.as_bytes(),
        };
        let parts = [self.table.as_bytes(), self.column.as_bytes(), row, &key.0];
        let mut place = vec![VERSION];
        for part in parts {
            place.extend_from_slice(&(part.len() as u64).to_be_bytes());
            place.extend_from_slice(part);
        }
        place
    }
}

impl From<i64> for RowId<'_> {
    fn from(id: i64) -> Self {
        Self::Number(id)
    }
}

impl<'a> From<&'a str> for RowId<'a> {
    fn from(id: &'a str) -> Self {
        Self::Text(id)
    }
}

/// Names a key without giving it away: derived from it, and stored with whatever it sealed. Shown as
/// eight hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct KeyId([u8; KEY_ID_LENGTH]);

impl KeyId {
    /// The id of the key that sealed a value; `None` if the value is not of a form that is known.
    #[must_use]
    pub(super) fn of(sealed: &[u8]) -> Option<Self> {
        let (&VERSION, rest) = sealed.split_first()? else { return None };
        rest.first_chunk().copied().map(Self)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A key that is ready to seal and open. It does not print.
pub(super) struct SealingKey {
    id: KeyId,
    key: LessSafeKey,
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SealingKey {
    /// Derives the key, and its id, from a text by HKDF-SHA256 (RFC 5869). The text has to be
    /// random: deriving is quick, so what can be guessed can be tried.
    ///
    /// # Errors
    /// The cryptography of this process does not work.
    pub(super) fn from_text(text: &SecretString) -> Result<Self, CryptographyFailed> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]);
        let text = salt.extract(text.expose_secret().as_bytes());
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        expand(&text, KEY_INFO, &mut *key)?;
        let mut id = [0; KEY_ID_LENGTH];
        expand(&text, KEY_ID_INFO, &mut id)?;
        let key = UnboundKey::new(&AES_256_GCM_SIV, &*key).map_err(|_| CryptographyFailed)?;
        Ok(Self { id: KeyId(id), key: LessSafeKey::new(key) })
    }

    fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, CryptographyFailed> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| CryptographyFailed)?;
        let mut sealed = Vec::with_capacity(plain.len() + SEALED_EXTRA);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.id.0);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let inner = &mut sealed[HEAD_LENGTH..];
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(place), inner);
        sealed.extend_from_slice(tag.map_err(|_| CryptographyFailed)?.as_ref());
        Ok(sealed)
    }

    /// Opens what follows version and key id.
    fn open(&self, place: &[u8], rest: &[u8]) -> Option<SecretSlice<u8>> {
        let (nonce, rest) = rest.split_first_chunk()?;
        let (inner, tag) = rest.split_last_chunk::<TAG_LENGTH>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        // As long as it will be, so that nothing is copied on its way into the secret.
        let mut plain = vec![0; inner.len()];
        let opened = self.key.open_separate_gather(nonce, Aad::from(place), inner, tag, &mut plain);
        opened.is_ok().then(|| plain.into())
    }
}

/// A length of derived bytes.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand(text: &hkdf::Prk, info: &[u8], out: &mut [u8]) -> Result<(), CryptographyFailed> {
    let info = [info];
    let derived = text.expand(&info, Length(out.len()));
    derived.and_then(|derived| derived.fill(out)).map_err(|_| CryptographyFailed)
}

/// Nothing can be sealed or derived: no randomness, or no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptography of this process does not work: it gets no randomness or no memory")]
pub(super) struct CryptographyFailed;

/// Why a sealed value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsealed {
    /// None of the keys sealed it.
    #[error("it was sealed with the key {0}, which is not given")]
    UnknownKey(KeyId),
    /// It was changed, or put into another place, or it is of a form that this release does not know.
    #[error("it was changed, or moved from another row")]
    Damaged,
}

/// The keys that seal the columns of one store. The first one seals, all of them open.
#[derive(Debug)]
pub(super) struct Sealing {
    first: SealingKey,
    former: Vec<SealingKey>,
}

impl Sealing {
    /// Takes the keys in their order; `None` if there is none.
    #[must_use]
    pub(super) fn new(keys: Vec<SealingKey>) -> Option<Self> {
        let mut keys = keys.into_iter();
        Some(Self { first: keys.next()?, former: keys.collect() })
    }

    /// As [`Sealing::new`], with the keys that are derived from texts.
    ///
    /// # Errors
    /// The cryptography of this process does not work.
    pub(super) fn from_texts<'a>(
        texts: impl IntoIterator<Item = &'a SecretString>,
    ) -> Result<Option<Self>, CryptographyFailed> {
        let keys = texts.into_iter().map(SealingKey::from_text).collect::<Result<_, _>>()?;
        Ok(Self::new(keys))
    }

    /// Seals a value for its place.
    ///
    /// # Errors
    /// The cryptography of this process does not work.
    pub(super) fn seal<'a>(
        &self,
        column: &'static SealedColumn,
        row: impl Into<RowId<'a>>,
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptographyFailed> {
        self.first.seal(&column.place(row.into(), self.first.id), plain)
    }

    /// Opens a value that is in that place.
    ///
    /// # Errors
    /// It is not what was sealed there, or not by any of the keys.
    pub(super) fn open<'a>(
        &self,
        column: &'static SealedColumn,
        row: impl Into<RowId<'a>>,
        sealed: &[u8],
    ) -> Result<SecretSlice<u8>, Unsealed> {
        let id = KeyId::of(sealed).ok_or(Unsealed::Damaged)?;
        let mut keys = self.keys().filter(|key| key.id == id).peekable();
        keys.peek().ok_or(Unsealed::UnknownKey(id))?;
        let (place, rest) = (column.place(row.into(), id), &sealed[1 + KEY_ID_LENGTH..]);
        keys.find_map(|key| key.open(&place, rest)).ok_or(Unsealed::Damaged)
    }

    /// Opens a value that another key sealed than the first, and seals it anew; `None` for one that
    /// the first key sealed.
    ///
    /// # Errors
    /// It does not open, or cannot be sealed.
    pub(super) fn renew<'a>(
        &self,
        column: &'static SealedColumn,
        row: impl Into<RowId<'a>>,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, NotRenewed> {
        if self.is_current(sealed) {
            return Ok(None);
        }
        let row = row.into();
        let plain = self.open(column, row, sealed)?;
        Ok(Some(self.seal(column, row, plain.expose_secret())?))
    }

    /// Whether the first key sealed a value, so that it need not be sealed anew.
    #[must_use]
    pub(super) fn is_current(&self, sealed: &[u8]) -> bool {
        KeyId::of(sealed) == Some(self.first.id)
    }

    /// Makes certain that the keys open whatever these keys have sealed.
    ///
    /// # Errors
    /// One of them is missing.
    pub(super) fn must_have(
        &self,
        used: impl IntoIterator<Item = KeyId>,
    ) -> Result<(), MissingKey> {
        let missing = used.into_iter().find(|used| self.key_ids().all(|given| given != *used));
        missing.map_or(Ok(()), |key| Err(MissingKey(key)))
    }

    /// The ids of the keys; the first one seals.
    pub(super) fn key_ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys().map(|key| key.id)
    }

    fn keys(&self) -> impl Iterator<Item = &SealingKey> {
        std::iter::once(&self.first).chain(&self.former)
    }
}

/// A key that has sealed something is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("something in it is sealed with the key {key}, which is not given: {fix}", key = .0, fix = MISSING_KEY)]
pub(super) struct MissingKey(KeyId);

/// Why a value was not sealed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotRenewed {
    /// It does not open.
    #[error(transparent)]
    Unsealed(#[from] Unsealed),
    /// It cannot be sealed.
    #[error(transparent)]
    CryptographyFailed(#[from] CryptographyFailed),
}

#[cfg(test)]
mod tests;
