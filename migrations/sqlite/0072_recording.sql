-- One table of recordings: those of sessions, from the moment that one was asked for, and those that workflows keep.
-- Before, `recording` held the contents of both and `session_recording` what else is known of a session's.
CREATE TABLE IF NOT EXISTS number_block (name TEXT NOT NULL PRIMARY KEY, reserved BIGINT NOT NULL);
ALTER TABLE recording RENAME TO recording_content;
CREATE TABLE recording (
  tenant     TEXT    NOT NULL,
  id         TEXT    NOT NULL, -- ULID
  number     INTEGER,          -- NULL: a workflow keeps it
  session    TEXT    NOT NULL, -- or empty: a workflow keeps it
  instance   TEXT    NOT NULL, -- whose workflow keeps it, or empty: it is a session's
  external   BLOB    NOT NULL, -- blind index of the provider's id, or empty while it has none
  status     TEXT    NOT NULL, -- recording, processing, ready, failed, merged, none, deleted
  kind       TEXT    NOT NULL,
  purpose    TEXT    NOT NULL, -- care, training; empty: a workflow keeps it
  started_ms INTEGER,          -- NULL: a workflow keeps it
  stopped_ms INTEGER,
  stored_ms  INTEGER,
  retain_until_ms INTEGER,
  blob       TEXT    NOT NULL, -- the sealed content, or empty while there is none
  bytes      INTEGER NOT NULL,
  sha256     TEXT    NOT NULL,
  content_type TEXT  NOT NULL,
  sealed     BLOB    NOT NULL, -- the provider's id, why it was withdrawn; empty: a workflow keeps it
  copy       TEXT    NOT NULL, -- the provider's: kept, deleting, deleted, left; empty: a workflow keeps it
  problem    TEXT    NOT NULL, -- why it failed, or why the provider still has its copy: a code
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
INSERT INTO recording (tenant, id, number, session, instance, external, status, kind, purpose, started_ms, stopped_ms,
  stored_ms, retain_until_ms, blob, bytes, sha256, content_type, sealed, copy, problem)
SELECT r.tenant, r.id, r.number, r.session, '', r.sid, r.status, r.kind, r.purpose, r.started_ms, r.stopped_ms,
  coalesce(c.stored_ms, r.stored_ms), coalesce(c.retain_until_ms, r.retain_until_ms), coalesce(c.blob, ''),
  coalesce(c.bytes, r.bytes), coalesce(c.sha256, r.sha256), coalesce(c.content_type, r.content_type), r.sealed, r.copy,
  r.problem
FROM session_recording r LEFT JOIN recording_content c ON c.tenant = r.tenant AND c.id = r.id;
INSERT INTO recording (tenant, id, number, session, instance, external, status, kind, purpose, started_ms, stopped_ms,
  stored_ms, retain_until_ms, blob, bytes, sha256, content_type, sealed, copy, problem)
SELECT c.tenant, c.id, NULL, '', c.consultation, c.external_index, 'ready', c.kind, '', NULL, NULL, c.stored_ms,
  c.retain_until_ms, c.blob, c.bytes, c.sha256, c.content_type, x'', '', ''
FROM recording_content c
WHERE NOT EXISTS (SELECT 1 FROM session_recording r WHERE r.tenant = c.tenant AND r.id = c.id);
DROP TABLE recording_content;
DROP TABLE session_recording;
CREATE UNIQUE INDEX recording_number ON recording (tenant, number);
CREATE INDEX recording_session ON recording (tenant, session, id);
CREATE UNIQUE INDEX recording_external ON recording (tenant, session, external)
  WHERE session <> '' AND length(external) > 0;
CREATE UNIQUE INDEX recording_instance ON recording (tenant, instance, external) WHERE instance <> '';
-- How much is kept: the sum is read from the index alone.
CREATE INDEX recording_status ON recording (tenant, status, session, bytes);
-- Those that still wait for the video provider.
CREATE INDEX recording_waits ON recording (tenant, session) WHERE status IN ('recording', 'processing');
-- Their numbers go on.
UPDATE number_block SET name = 'recording.' || substr(name, 19) WHERE substr(name, 1, 18) = 'session_recording.';
