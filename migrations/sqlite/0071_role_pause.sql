-- Roles that a person has paused while their side is down: their calls are held.
CREATE TABLE role_pause (
  tenant    TEXT    NOT NULL,
  role      TEXT    NOT NULL,
  since_ms  INTEGER NOT NULL,
  until_ms  INTEGER,          -- NULL: until a person ends it
  paused_by TEXT    NOT NULL, -- actor, as in the audit log
  PRIMARY KEY (tenant, role)
) WITHOUT ROWID;
