-- Which plugin or service of the hub stood behind each role when instances started: one row for each way that roles
-- were bound. Instances keep it: instance.binding. No patient data.
CREATE TABLE binding (
  id     INTEGER PRIMARY KEY,
  tenant TEXT    NOT NULL,
  roles  TEXT    NOT NULL, -- JSON: role -> plugin://<id> or hub://<service>, keys sorted
  UNIQUE (tenant, roles)
);
