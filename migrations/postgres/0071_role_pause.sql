-- Roles that a person has paused while their side is down: their calls are held.
CREATE TABLE role_pause (
  tenant    TEXT COLLATE "C" NOT NULL,
  role      TEXT COLLATE "C" NOT NULL,
  since_ms  BIGINT           NOT NULL,
  until_ms  BIGINT,                    -- NULL: until a person ends it
  paused_by TEXT COLLATE "C" NOT NULL, -- actor, as in the audit log
  PRIMARY KEY (tenant, role)
);
