-- The patient who booked a session himself, a person's ULID, or empty.
ALTER TABLE session ADD COLUMN booked_by TEXT NOT NULL DEFAULT '';
CREATE INDEX session_booked_by ON session (tenant, booked_by) WHERE booked_by <> '' AND ended_ms IS NULL;
