-- The register of consultations: one row each, a typed state, no patient data. id is the workflow instance's ULID.
CREATE TABLE consultation (
  tenant     TEXT    NOT NULL,
  id         TEXT    NOT NULL,
  state      TEXT    NOT NULL, -- consultation::State
  month      TEXT    NOT NULL, -- YYYY-MM of the planned start, in the facility's time zone
  seconds    INTEGER NOT NULL, -- length of the session
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX consultation_month ON consultation (tenant, month, state);

-- Recordings that the hub keeps. The content is the sealed blob.
CREATE TABLE recording (
  tenant       TEXT    NOT NULL,
  id           TEXT    NOT NULL, -- ULID
  consultation TEXT    NOT NULL,
  external_index BLOB  NOT NULL, -- blind index of the provider's id of the track
  kind         TEXT    NOT NULL,
  blob         TEXT    NOT NULL,
  content_type TEXT    NOT NULL,
  bytes        INTEGER NOT NULL,
  sha256       TEXT    NOT NULL,
  stored_ms    INTEGER NOT NULL,
  retain_until_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX recording_external ON recording (tenant, consultation, external_index);
