-- What each participant's stays in a session come to: the metering. Written when the session ends; what is learnt
-- later is a row more, so that rows never change.
CREATE TABLE usage_record (
  tenant      TEXT    NOT NULL,
  month       TEXT    NOT NULL, -- 2026-11, in the time zone of the metering
  session     TEXT    NOT NULL,
  participant TEXT    NOT NULL,
  n           INTEGER NOT NULL, -- from 1
  kind        TEXT    NOT NULL, -- attendance: at the end; adjustment: later
  seconds     INTEGER NOT NULL, -- of an adjustment: what is to be added, which may be less than 0
  at_ms       INTEGER NOT NULL,
  PRIMARY KEY (tenant, month, session, participant, n)
) WITHOUT ROWID;
CREATE INDEX usage_record_session ON usage_record (tenant, session);

-- How much is kept: the sum is read from the index alone.
CREATE INDEX session_recording_status ON session_recording (tenant, status, bytes);

-- How a patient was made ready for a call by video. No patient data: the patient is an id.
CREATE TABLE onboarding_step (
  tenant  TEXT    NOT NULL,
  patient TEXT    NOT NULL, -- person's ULID
  step    TEXT    NOT NULL, -- device_checked, consent_shown, language_chosen
  value   TEXT    NOT NULL, -- the language, or empty
  at_ms   INTEGER NOT NULL,
  PRIMARY KEY (tenant, patient, step)
) WITHOUT ROWID;
