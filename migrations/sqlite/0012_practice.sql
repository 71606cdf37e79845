-- What surrounds the sessions of a tenant. No patient data: persons are ids, and a visit's number elsewhere is sealed.
CREATE TABLE visit (
  tenant      TEXT    NOT NULL,
  id          TEXT    NOT NULL, -- ULID
  number      INTEGER NOT NULL, -- counts from 1 in each tenant, as everywhere here
  version     INTEGER NOT NULL,
  patient     TEXT    NOT NULL, -- person's ULID
  provider    TEXT    NOT NULL, -- person's ULID, or empty
  status      TEXT    NOT NULL, -- OPEN, CLOSED
  opened_ms   INTEGER NOT NULL,
  closed_ms   INTEGER,
  external    BLOB    NOT NULL, -- blind index of system and value, or empty
  data_key    BLOB    NOT NULL, -- data_key.id, or empty
  sealed      BLOB    NOT NULL, -- {system, value}, or empty
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX visit_number ON visit (tenant, number);
CREATE UNIQUE INDEX visit_external ON visit (tenant, external) WHERE external <> x'';

CREATE TABLE clinic (
  tenant     TEXT    NOT NULL,
  id         TEXT    NOT NULL,
  number     INTEGER NOT NULL,
  name       TEXT    NOT NULL,
  name_ar    TEXT    NOT NULL,
  time_zone  TEXT    NOT NULL,
  active     INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX clinic_number ON clinic (tenant, number);

-- Hours in which a provider gives a clinic, with places to book.
CREATE TABLE clinic_session (
  tenant    TEXT    NOT NULL,
  id        TEXT    NOT NULL,
  number    INTEGER NOT NULL,
  clinic    TEXT    NOT NULL,
  provider  TEXT    NOT NULL,
  starts_ms INTEGER NOT NULL,
  ends_ms   INTEGER NOT NULL,
  capacity  INTEGER NOT NULL,
  booked    INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX clinic_session_number ON clinic_session (tenant, number);
CREATE INDEX clinic_session_clinic ON clinic_session (tenant, clinic, starts_ms);

-- When a provider can be had. Slots of one provider do not overlap.
CREATE TABLE slot (
  tenant    TEXT    NOT NULL,
  id        TEXT    NOT NULL,
  provider  TEXT    NOT NULL,
  starts_ms INTEGER NOT NULL,
  ends_ms   INTEGER NOT NULL,
  clinic    TEXT    NOT NULL, -- or empty
  status    TEXT    NOT NULL, -- free, booked, blocked
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX slot_provider ON slot (tenant, provider, starts_ms);

-- What a session has taken: a place in a clinic session, or a slot. One of the two is empty.
CREATE TABLE place (
  tenant         TEXT NOT NULL,
  session        TEXT NOT NULL,
  clinic_session TEXT NOT NULL,
  slot           TEXT NOT NULL,
  PRIMARY KEY (tenant, session)
) WITHOUT ROWID;

-- What a person has set by hand. Who is in a session or connected is known elsewhere.
CREATE TABLE presence (
  tenant TEXT    NOT NULL,
  person TEXT    NOT NULL,
  status TEXT    NOT NULL, -- online, offline, busy
  set_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, person)
) WITHOUT ROWID;

-- Thresholds of the metering that a month has reached; each is told once.
CREATE TABLE usage_alert (
  tenant    TEXT    NOT NULL,
  month     TEXT    NOT NULL, -- 2026-11
  threshold INTEGER NOT NULL, -- percent
  minutes   INTEGER NOT NULL, -- when it was noticed
  at_ms     INTEGER NOT NULL,
  PRIMARY KEY (tenant, month, threshold)
) WITHOUT ROWID;
