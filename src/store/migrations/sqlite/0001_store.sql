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

CREATE TABLE messages (
    id         TEXT    NOT NULL PRIMARY KEY,
    platform   TEXT    NOT NULL,
    realm      TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    body       BLOB    NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX messages_person ON messages (platform, realm, user_id, created_at);
CREATE INDEX messages_created ON messages (created_at);

CREATE TABLE store_clock (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    now INTEGER NOT NULL
);
