-- The start of a hub that writes the blob; empty when it is finished, or when that hub has ended. A sweep leaves alone what
-- another one writes. Rows from before have none: their writers have ended.
ALTER TABLE blob ADD COLUMN incarnation TEXT NOT NULL DEFAULT '';
