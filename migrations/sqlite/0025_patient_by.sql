-- On whose word alone a session is about its patient: a person's ULID. Empty once somebody else stands behind it: a system
-- of the hospital, the hub, or the patient, who came.
ALTER TABLE session ADD COLUMN patient_by TEXT NOT NULL DEFAULT '';
