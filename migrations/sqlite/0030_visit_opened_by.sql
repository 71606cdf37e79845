-- Who opened a visit: a person's ULID. Empty when it was no person, or is not known.
ALTER TABLE visit ADD COLUMN opened_by TEXT NOT NULL DEFAULT '';
