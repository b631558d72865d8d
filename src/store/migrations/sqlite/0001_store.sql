CREATE TABLE jobs (
    id         INTEGER PRIMARY KEY,
    kind       TEXT    NOT NULL,
    unique_key BLOB,
    payload    BLOB    NOT NULL,
    attempts   INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    holder     INTEGER,
    token      INTEGER NOT NULL,
    outcome    TEXT,
    ended_at   INTEGER
);
CREATE INDEX jobs_due ON jobs (kind, due_at) WHERE outcome IS NULL;
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE outcome IS NOT NULL;
CREATE UNIQUE INDEX jobs_unique ON jobs (kind, unique_key) WHERE unique_key IS NOT NULL;

-- A message's id begins with the pseudonym of whom it is for, so that one index finds it and all of theirs.
CREATE TABLE messages (
    id            TEXT NOT NULL PRIMARY KEY,
    platform      TEXT NOT NULL,
    body          BLOB NOT NULL,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    watch         BLOB,
    watch_version INTEGER NOT NULL,
    watched_until INTEGER
);
CREATE INDEX messages_created ON messages (created_at);
CREATE INDEX messages_watched ON messages (platform, watched_until) WHERE watched_until IS NOT NULL;

CREATE TABLE store_clock (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    now INTEGER NOT NULL
);

CREATE TABLE links (
    owner      TEXT    NOT NULL PRIMARY KEY,
    subscriber TEXT    NOT NULL,
    body       BLOB    NOT NULL,
    gone       INTEGER NOT NULL,
    stored_at  INTEGER NOT NULL
);
CREATE INDEX links_subscriber ON links (subscriber);
CREATE INDEX links_stored ON links (stored_at);

CREATE TABLE held (
    owner     TEXT    NOT NULL PRIMARY KEY,
    endpoint  BLOB    NOT NULL,
    stored_at INTEGER NOT NULL
);
CREATE INDEX held_stored ON held (stored_at);

CREATE TABLE audit (
    id        TEXT    NOT NULL PRIMARY KEY,
    chain     TEXT    NOT NULL,
    number    INTEGER NOT NULL,
    line      TEXT    NOT NULL,
    hash      TEXT    NOT NULL,
    stored_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX audit_chain ON audit (chain, number);
CREATE INDEX audit_stored ON audit (stored_at);

CREATE TABLE pseudonyms (
    owner     TEXT    NOT NULL PRIMARY KEY,
    secret    BLOB    NOT NULL,
    stored_at INTEGER NOT NULL
);
CREATE INDEX pseudonyms_stored ON pseudonyms (stored_at);

CREATE TABLE pages (
    id         TEXT    NOT NULL PRIMARY KEY,
    owner      TEXT    NOT NULL,
    message    TEXT    NOT NULL,
    body       BLOB    NOT NULL,
    used_at    INTEGER,
    ended_at   INTEGER,
    created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX pages_message ON pages (owner, message);
CREATE INDEX pages_created ON pages (created_at);

CREATE TABLE workspace_requests (
    id         TEXT    NOT NULL PRIMARY KEY,
    platform   TEXT    NOT NULL,
    unique_key BLOB,
    body       BLOB    NOT NULL,
    version    INTEGER NOT NULL,
    open_until INTEGER,
    created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX workspace_requests_unique ON workspace_requests (platform, unique_key)
    WHERE unique_key IS NOT NULL;
CREATE INDEX workspace_requests_platform ON workspace_requests (platform, created_at);
CREATE INDEX workspace_requests_created ON workspace_requests (created_at);
