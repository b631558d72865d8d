CREATE TABLE jobs (
    id         BIGINT NOT NULL PRIMARY KEY,
    kind       TEXT   NOT NULL,
    unique_key BYTEA,
    payload    BYTEA  NOT NULL,
    attempts   BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    holder     BIGINT,
    token      BIGINT NOT NULL,
    outcome    TEXT,
    ended_at   BIGINT
);
CREATE INDEX jobs_due ON jobs (kind, due_at) WHERE outcome IS NULL;
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE outcome IS NOT NULL;
CREATE UNIQUE INDEX jobs_unique ON jobs (kind, unique_key) WHERE unique_key IS NOT NULL;

-- A message's id begins with the pseudonym of whom it is for, so that one index finds it and all of theirs.
CREATE TABLE messages (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    platform      TEXT NOT NULL,
    body          BYTEA NOT NULL,
    version       BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    watch         BYTEA,
    watch_version BIGINT NOT NULL,
    watched_until BIGINT
);
CREATE INDEX messages_created ON messages (created_at);
CREATE INDEX messages_watched ON messages (platform, watched_until) WHERE watched_until IS NOT NULL;

CREATE TABLE store_clock (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    now BIGINT NOT NULL
);

-- What several replicas have to know of each other.
CREATE TABLE instances (
    id      BIGINT NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL
);
CREATE TABLE leaders (
    what   TEXT   NOT NULL PRIMARY KEY,
    holder BIGINT NOT NULL
);
CREATE TABLE seen (
    hash  BYTEA  NOT NULL PRIMARY KEY,
    until BIGINT NOT NULL
);
CREATE INDEX seen_until ON seen (until);
CREATE TABLE pace (
    person  BYTEA  NOT NULL PRIMARY KEY,
    full_at BIGINT NOT NULL
);
CREATE INDEX pace_full ON pace (full_at);

CREATE TABLE links (
    owner      TEXT   NOT NULL PRIMARY KEY,
    subscriber TEXT   NOT NULL,
    body       BYTEA  NOT NULL,
    gone       BIGINT NOT NULL,
    stored_at  BIGINT NOT NULL
);
CREATE INDEX links_subscriber ON links (subscriber);
CREATE INDEX links_stored ON links (stored_at);

CREATE TABLE held (
    owner     TEXT   NOT NULL PRIMARY KEY,
    endpoint  BYTEA  NOT NULL,
    stored_at BIGINT NOT NULL
);
CREATE INDEX held_stored ON held (stored_at);

CREATE TABLE audit (
    id        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    chain     TEXT   NOT NULL,
    number    BIGINT NOT NULL,
    line      TEXT   NOT NULL,
    hash      TEXT   NOT NULL,
    stored_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX audit_chain ON audit (chain, number);
CREATE INDEX audit_stored ON audit (stored_at);

CREATE TABLE pseudonyms (
    owner     TEXT   NOT NULL PRIMARY KEY,
    secret    BYTEA  NOT NULL,
    stored_at BIGINT NOT NULL
);
CREATE INDEX pseudonyms_stored ON pseudonyms (stored_at);

CREATE TABLE pages (
    id         TEXT   NOT NULL PRIMARY KEY,
    owner      TEXT   NOT NULL,
    message    TEXT   NOT NULL,
    body       BYTEA  NOT NULL,
    used_at    BIGINT,
    ended_at   BIGINT,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX pages_message ON pages (owner, message);
CREATE INDEX pages_created ON pages (created_at);

CREATE TABLE workspace_requests (
    id         TEXT   NOT NULL PRIMARY KEY,
    platform   TEXT   NOT NULL,
    unique_key BYTEA,
    body       BYTEA  NOT NULL,
    version    BIGINT NOT NULL,
    open_until BIGINT,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX workspace_requests_unique ON workspace_requests (platform, unique_key)
    WHERE unique_key IS NOT NULL;
CREATE INDEX workspace_requests_platform ON workspace_requests (platform, created_at);
CREATE INDEX workspace_requests_created ON workspace_requests (created_at);
