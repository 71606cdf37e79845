-- What is written in a session. One row each, whatever it is; all that could be patient data is in `sealed`.
CREATE TABLE session_record (
  tenant     TEXT    NOT NULL,
  id         TEXT    NOT NULL, -- ULID
  kind       TEXT    NOT NULL, -- consultation::RecordKind
  number     INTEGER NOT NULL, -- counts from 1 for each tenant and kind
  session    TEXT    NOT NULL,
  author     TEXT    NOT NULL, -- ULID of the participant; empty: a workflow
  state      TEXT    NOT NULL, -- draft, final, amended; issued, cancelled, dispensed; proposed, booked, done; or empty
  at_ms      INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  version    INTEGER NOT NULL, -- rises with each change; the sealed document is bound to it
  client     BLOB    NOT NULL, -- blind index of what tells a repeat, or empty
  blob       TEXT    NOT NULL, -- content of a document, or empty
  sealed     BLOB    NOT NULL, -- with the session's data key
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX session_record_number ON session_record (tenant, kind, number);
CREATE INDEX session_record_session ON session_record (tenant, session, kind, id);
CREATE UNIQUE INDEX session_record_client ON session_record (tenant, session, kind, author, client) WHERE client <> x'';

-- What a participant's line did, ten seconds a row; no patient data. Kept for 30 days.
CREATE TABLE quality_sample (
  tenant      TEXT    NOT NULL,
  session     TEXT    NOT NULL,
  participant TEXT    NOT NULL,
  at_ms       INTEGER NOT NULL,
  direction   TEXT    NOT NULL, -- up, down
  figures     TEXT    NOT NULL, -- JSON: lossPercent, jitterMs, rttMs, kbps, width, height, fps, mos
  PRIMARY KEY (tenant, session, participant, at_ms, direction)
) WITHOUT ROWID;
CREATE INDEX quality_sample_at ON quality_sample (at_ms);

-- What the samples of a participant add up to, and where its picture stands. Kept for ever. Sums are in thousandths.
CREATE TABLE quality_summary (
  tenant      TEXT    NOT NULL,
  session     TEXT    NOT NULL,
  participant TEXT    NOT NULL,
  samples     INTEGER NOT NULL,
  mos_sum     INTEGER NOT NULL,
  loss_sum    INTEGER NOT NULL,
  jitter_sum  INTEGER NOT NULL,
  rtt_sum     INTEGER NOT NULL,
  bytes_up    INTEGER NOT NULL,
  bytes_down  INTEGER NOT NULL,
  seconds     INTEGER NOT NULL,
  ladder      TEXT    NOT NULL, -- JSON of consultation::Ladder
  updated_ms  INTEGER NOT NULL,
  PRIMARY KEY (tenant, session, participant)
) WITHOUT ROWID;
