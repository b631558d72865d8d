//! The key file beside a SQLite database: what seals its columns where the configuration gives no
//! keys.
//!
//! One line of text, 64 hexadecimal digits. It is a text like those of `store.keys`, so that it can be
//! moved there. Reading and making are apart: a file that is missing where something is sealed already
//! must not be replaced by a new one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use super::sqlite::beside;

/// The length of a key, in bytes.
const KEY_LENGTH: usize = 32;
/// The length of what makes the name of an unfinished file its own, in bytes.
const MARK_LENGTH: usize = 8;

/// The key file of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyFile {
    path: PathBuf,
}

/// Why there is no key from a key file, in a sentence with the next step.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyFileError {
    /// There is no such file.
    #[error(
        "the key file {} is missing: put it back from where it is kept, or give its content as store.keys; \
         if it is lost, move the database away and begin anew",
        .0.display()
    )]
    Missing(PathBuf),
    /// There is a file already, so none is made.
    #[error("the key file {} is there already: remove it first if nothing is sealed with it", .0.display())]
    Exists(PathBuf),
    /// It cannot be read.
    #[error(
        "the key file {} cannot be read ({}): correct its owner or its permissions",
        .0.display(),
        .1
    )]
    Unreadable(PathBuf, io::Error),
    /// It has not the form of a key file.
    #[error(
        "the key file {} is not one line of 64 hexadecimal digits: put it back from where it is kept",
        .0.display()
    )]
    Malformed(PathBuf),
    /// Every user of the machine can read or change it.
    #[error(
        "the key file {} is open to every user of this machine: chmod 600 it; where the file system \
         keeps no permissions, give its content as store.keys instead and remove it",
        .0.display()
    )]
    Exposed(PathBuf),
    /// It cannot be written.
    #[error(
        "the key file {} cannot be written ({}): let the service write to its directory, or give \
         store.keys",
        .0.display(),
        .1
    )]
    Unwritable(PathBuf, io::Error),
}

impl KeyFile {
    /// The key file of a database: `FILE.key`.
    #[must_use]
    pub(super) fn beside(database: &Path) -> Self {
        Self { path: beside(database, "key") }
    }

    /// Where it is.
    #[must_use]
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The key's text. A file that the group can read is taken with a warning in the log: volumes of
    /// Kubernetes are given to the group by `fsGroup`.
    ///
    /// # Errors
    /// It is missing, cannot be read, is not a key file, or is open to everybody.
    pub(super) fn read(&self) -> Result<SecretString, KeyFileError> {
        let content = fs::read_to_string(&self.path).map(Zeroizing::new);
        let content = content.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => KeyFileError::Missing(self.path.clone()),
            io::ErrorKind::InvalidData => KeyFileError::Malformed(self.path.clone()),
            _ => KeyFileError::Unreadable(self.path.clone(), error),
        })?;
        match self.readers() {
            Ok(Readers::Owner) => {}
            Ok(Readers::Group) => tracing::warn!(
                file = %self.path.display(),
                advice = "chmod 600 it, unless that group is the service's own",
                "the key file can be read by its group"
            ),
            Ok(Readers::Everybody) => return Err(KeyFileError::Exposed(self.path.clone())),
            Err(error) => return Err(KeyFileError::Unreadable(self.path.clone(), error)),
        }
        let key = content.strip_suffix('\n').unwrap_or(&content);
        let key = key.strip_suffix('\r').unwrap_or(key);
        if key.len() == 2 * KEY_LENGTH && key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(key.into());
        }
        Err(KeyFileError::Malformed(self.path.clone()))
    }

    /// Makes the file with a new random key, which only its owner can read, and gives the key's text.
    /// When this returns the file is on the disk, whole; if the machine stops before, there is none.
    ///
    /// # Errors
    /// There is one already, or it cannot be written.
    pub(super) fn make(&self) -> Result<SecretString, KeyFileError> {
        let made = self.make_whole();
        made.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => KeyFileError::Exists(self.path.clone()),
            _ => KeyFileError::Unwritable(self.path.clone(), error),
        })
    }

    fn make_whole(&self) -> io::Result<SecretString> {
        let key = random_hex::<KEY_LENGTH>()?;
        // A name of its own, so that of several that make one at once none writes into another's.
        let mut name = OsString::from(&self.path);
        name.push(format!(".{}", &*random_hex::<MARK_LENGTH>()?));
        let unfinished = Unfinished(name.into());
        let mut file = create_for_owner(&unfinished.0)?;
        file.write_all(format!("{}\n", &*key).as_bytes())?;
        file.sync_all()?;
        drop(file);
        put_in_place(&unfinished.0, &self.path)?;
        sync_directory_of(&self.path)?;
        Ok(SecretString::from(&**key))
    }

    #[cfg(unix)]
    fn readers(&self) -> io::Result<Readers> {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&self.path)?.permissions().mode();
        Ok(match mode {
            _ if mode & 0o007 != 0 => Readers::Everybody,
            _ if mode & 0o070 != 0 => Readers::Group,
            _ => Readers::Owner,
        })
    }

    #[cfg(not(unix))]
    fn readers(&self) -> io::Result<Readers> {
        // Elsewhere a file has the permissions of its directory.
        fs::metadata(&self.path).map(|_| Readers::Owner)
    }
}

/// Who can read or change a file.
#[cfg_attr(not(unix), expect(dead_code, reason = "permissions are looked at on Unix alone"))]
enum Readers {
    Owner,
    Group,
    Everybody,
}

/// A file that is removed with this value, unless it was moved into its place.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // It may be in its place by now, or may never have been made.
        let _ = fs::remove_file(&self.0);
    }
}

fn random_hex<const LENGTH: usize>() -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    rand::fill(&mut *bytes).map_err(|_| io::Error::other("no randomness"))?;
    Ok(Zeroizing::new(hex::encode(*bytes)))
}

fn create_for_owner(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Gives a finished file its name, if nobody has it: a link never replaces another file.
fn put_in_place(finished: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(finished, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            // Some file systems have no links. There whoever comes second replaces the first one,
            // unless it is there already; the lock of the database keeps that from happening.
            if path.try_exists()? {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(finished, path)
        }
        linked => linked,
    }
}

/// Without this, a new name can be lost when the machine stops.
#[cfg(unix)]
pub(super) fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_directory_of(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn in_folder() -> (tempfile::TempDir, KeyFile) {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::beside(&folder.path().join("connect.db"));
        (folder, file)
    }

    fn write(file: &KeyFile, content: &str) {
        // Made first, so that it has the permissions of one.
        let _ = fs::remove_file(&file.path);
        file.make().unwrap();
        fs::write(&file.path, content).unwrap();
    }

    #[test]
    fn it_is_beside_the_database_and_read_as_it_was_made() {
        let (folder, file) = in_folder();
        assert_eq!(file.path, folder.path().join("connect.db.key"));
        let made = file.make().unwrap();
        assert_eq!(file.read().unwrap().expose_secret(), made.expose_secret());
        assert_eq!(made.expose_secret().len(), 64);
        let names: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["connect.db.key"]);
    }

    #[test]
    fn one_that_is_there_is_never_replaced() {
        let (_folder, file) = in_folder();
        let first = file.make().unwrap();
        assert!(matches!(file.make(), Err(KeyFileError::Exists(_))));
        assert_eq!(file.read().unwrap().expose_secret(), first.expose_secret());
    }

    #[test]
    fn of_many_that_make_one_at_once_one_does() {
        let (_folder, file) = in_folder();
        let made: Vec<_> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| file.make())).collect();
            makers.into_iter().filter_map(|maker| maker.join().unwrap().ok()).collect()
        });
        assert_eq!(made.len(), 1);
        assert_eq!(file.read().unwrap().expose_secret(), made[0].expose_secret());
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_quoted() {
        let (_folder, file) = in_folder();
        assert!(matches!(file.read(), Err(KeyFileError::Missing(_))));
        let key = "canary".replace(|_| true, "c0ffee") + &"0".repeat(28);
        let digits = &key[..64];
        for fine in [digits.to_owned(), format!("{digits}\n"), format!("{digits}\r\n")] {
            write(&file, &fine);
            assert_eq!(file.read().unwrap().expose_secret(), digits);
        }
        for wrong in ["", "\n", &digits[1..], &format!("{digits}0"), &format!("{digits}\n\n")] {
            write(&file, wrong);
            let error = file.read().unwrap_err();
            assert!(matches!(error, KeyFileError::Malformed(_)), "{wrong:?}");
            assert!(!error.to_string().contains("c0ffee"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn it_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;

        let (_folder, file) = in_folder();
        file.make().unwrap();
        let mode = || fs::metadata(&file.path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        for (mode, fine) in [(0o660, true), (0o400, true), (0o604, false), (0o666, false)] {
            fs::set_permissions(&file.path, fs::Permissions::from_mode(mode)).unwrap();
            let read = file.read();
            assert_eq!(read.is_ok(), fine, "{mode:o}");
            assert!(fine || read.unwrap_err().to_string().contains("chmod 600"));
        }
    }

    #[test]
    fn where_none_can_be_made_the_fix_is_said() {
        let file = KeyFile::beside(Path::new("/nowhere/connect.db"));
        let error = file.make().unwrap_err();
        assert!(matches!(error, KeyFileError::Unwritable(..)), "{error}");
        let told = error.to_string();
        assert!(told.contains("/nowhere/connect.db.key") && told.contains("store.keys"), "{told}");
    }
}
