//! Where the product keeps its promises in a run.

use connect_sandbox::Postgres;
use tempfile::TempDir;

/// The environment variable that chooses.
const CHOICE: &str = "LOAD_STORE";

/// A store that nothing has been put into.
pub(crate) enum Store {
    /// None beside the process.
    Memory,
    /// A file in a directory that goes with this value.
    Sqlite(TempDir),
    /// A database of a private server.
    Postgres(&'static Postgres),
}

impl Store {
    /// The one that the environment names: `memory`, `sqlite` or `postgres`.
    pub(crate) fn chosen() -> Self {
        let choice = std::env::var_os(CHOICE);
        match choice.as_deref().map(|text| text.to_str()) {
            None | Some(Some("memory")) => Self::Memory,
            Some(Some("sqlite")) => Self::Sqlite(tempfile::tempdir().expect("a directory")),
            Some(Some("postgres")) => Self::Postgres(Postgres::shared().expect("a PostgreSQL")),
            other => panic!("{CHOICE} is memory, sqlite or postgres, not {other:?}"),
        }
    }

    /// What it is called in the report.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// What the product is told of it.
    pub(crate) fn settings(&self) -> [(&'static str, String); 2] {
        let url = match self {
            Self::Memory => "memory".to_owned(),
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("load.db").display()),
            Self::Postgres(postgres) => postgres.database(),
        };
        [("CONNECT_STORE__URL", url), ("CONNECT_STORE__KEYS", "key-of-the-load-test".to_owned())]
    }
}
