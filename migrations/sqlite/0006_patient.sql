-- Whose data an instance works on: blind indexes (16 bytes) of identifiers of the person, made by
-- metadata.rabt.patient of its workflow, or taken over from the instance that started it. place counts from 0; the
-- index at 0 is the patient of its audit entries.
CREATE TABLE instance_patient (
  tenant   TEXT    NOT NULL,
  patient  BLOB    NOT NULL,
  instance INTEGER NOT NULL, -- instance.num
  place    INTEGER NOT NULL,
  PRIMARY KEY (tenant, patient, instance)
) WITHOUT ROWID;
CREATE INDEX instance_patient_instance ON instance_patient (instance, place);

-- The keys with which detail of audit entries is sealed: one for each patient and retention bucket. Destroying a
-- bucket makes the detail unreadable and leaves the entries whole. Entries name the key by id, so that a second key
-- of the same bucket does no harm.
CREATE TABLE patient_key (
  tenant   TEXT NOT NULL,
  patient  BLOB NOT NULL, -- blind index; empty: of entries whose patient is not known
  bucket   TEXT NOT NULL, -- in which the key was made
  data_key BLOB NOT NULL, -- data_key.id
  PRIMARY KEY (tenant, patient, bucket, data_key)
) WITHOUT ROWID;

-- Grants to read one person's data, or one instance's, in an emergency: docs/audit.md. What they permit now; what became
-- of them is told by the audit log.
CREATE TABLE break_glass (
  tenant      TEXT    NOT NULL,
  id          TEXT    NOT NULL, -- ULID
  instance    TEXT    NOT NULL, -- ULID; empty: the grant is for a patient
  patient     BLOB    NOT NULL, -- blind index; empty: the patient of the instance is not known
  opened_ms   INTEGER NOT NULL,
  length_ms   INTEGER NOT NULL,
  boot        TEXT    NOT NULL, -- of the machine: clock_ms counts within it
  clock_ms    INTEGER NOT NULL, -- monotonic clock when it was opened
  opened_by   TEXT    NOT NULL,
  uses        INTEGER NOT NULL,
  ended_ms    INTEGER,          -- NULL: open
  ended_how   TEXT,             -- closed, expired
  reviewed_ms INTEGER,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX break_glass_open ON break_glass (tenant) WHERE ended_ms IS NULL;
