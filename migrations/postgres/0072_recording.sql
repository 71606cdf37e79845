-- One table of recordings: those of sessions, from the moment that one was asked for, and those that workflows keep.
-- Before, `recording` held the contents of both and `session_recording` what else is known of a session's.
ALTER TABLE session_recording RENAME COLUMN sid TO external;
ALTER TABLE session_recording
  ALTER COLUMN number DROP NOT NULL,     -- NULL: a workflow keeps it
  ALTER COLUMN started_ms DROP NOT NULL, -- NULL: a workflow keeps it
  ALTER COLUMN copy DROP DEFAULT,
  ALTER COLUMN problem DROP DEFAULT,
  ADD COLUMN instance TEXT COLLATE "C" NOT NULL DEFAULT '', -- whose workflow keeps it, or empty: it is a session's
  ADD COLUMN blob TEXT COLLATE "C" NOT NULL DEFAULT '';     -- the sealed content, or empty while there is none
UPDATE session_recording r SET stored_ms = c.stored_ms, retain_until_ms = c.retain_until_ms, blob = c.blob,
  bytes = c.bytes, sha256 = c.sha256, content_type = c.content_type
FROM recording c WHERE c.tenant = r.tenant AND c.id = r.id;
INSERT INTO session_recording (tenant, id, number, session, instance, external, status, kind, purpose, started_ms,
  stopped_ms, stored_ms, retain_until_ms, blob, bytes, sha256, content_type, sealed, copy, problem)
SELECT c.tenant, c.id, NULL, '', c.consultation, c.external_index, 'ready', c.kind, '', NULL, NULL, c.stored_ms,
  c.retain_until_ms, c.blob, c.bytes, c.sha256, c.content_type, ''::bytea, '', ''
FROM recording c
WHERE NOT EXISTS (SELECT 1 FROM session_recording r WHERE r.tenant = c.tenant AND r.id = c.id);
ALTER TABLE session_recording ALTER COLUMN instance DROP DEFAULT, ALTER COLUMN blob DROP DEFAULT;
DROP TABLE recording;
ALTER TABLE session_recording RENAME TO recording;
ALTER INDEX session_recording_pkey RENAME TO recording_pkey;
ALTER INDEX session_recording_number RENAME TO recording_number;
ALTER INDEX session_recording_session RENAME TO recording_session;
ALTER INDEX session_recording_waits RENAME TO recording_waits;
DROP INDEX session_recording_sid;
DROP INDEX session_recording_status;
CREATE UNIQUE INDEX recording_external ON recording (tenant, session, external)
  WHERE session <> '' AND length(external) > 0;
CREATE UNIQUE INDEX recording_instance ON recording (tenant, instance, external) WHERE instance <> '';
-- How much is kept: the sum is read from the index alone.
CREATE INDEX recording_status ON recording (tenant, status, session, bytes);
-- Their numbers go on.
UPDATE number_block SET name = 'recording.' || substr(name, 19) WHERE substr(name, 1, 18) = 'session_recording.';
