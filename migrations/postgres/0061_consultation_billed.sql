-- Time when the claim of a consultation left; null before, and where none left.
ALTER TABLE consultation ADD COLUMN billed_ms BIGINT;
