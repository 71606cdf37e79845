-- What a person did about a delivery that came to nothing.
ALTER TABLE delivery_outcome ADD COLUMN envelope BYTEA NOT NULL DEFAULT ''; -- sealed, JSON: how the body came, and the delivery's id
ALTER TABLE delivery_outcome ADD COLUMN settled TEXT COLLATE "C" NOT NULL DEFAULT ''; -- replayed, discarded
ALTER TABLE delivery_outcome ADD COLUMN became TEXT COLLATE "C" NOT NULL DEFAULT ''; -- of a replayed one: new, taken, changed
ALTER TABLE delivery_outcome ADD COLUMN settled_by TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE delivery_outcome ADD COLUMN settled_ms BIGINT;
