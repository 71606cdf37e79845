-- What lists of instances say of those that stand still, without opening anything. No patient data: names of the workflow file,
-- codes and times.
ALTER TABLE instance ADD COLUMN code TEXT;     -- faulted: the error's title, or the last word of its type; parked: role/action
ALTER TABLE instance ADD COLUMN about TEXT;    -- JSON; faulted: its error; waiting: what it waits for
ALTER TABLE instance ADD COLUMN question TEXT; -- JSON; parked: the call that a person decides on
-- Lists by state, newest first, and counts: every filter is answered from it.
CREATE INDEX instance_list ON instance (tenant, status, id, definition, code, updated_ms);
CREATE INDEX instance_parked ON instance (tenant, id) WHERE parked IS NOT NULL;
