-- Reports of a gateway about messages whose ids the hub does not know yet: the gateway's answers are still on their way.
CREATE TABLE early_report (
  tenant    TEXT COLLATE "C" NOT NULL,
  message   TEXT COLLATE "C" NOT NULL, -- the gateway's id
  gateway   TEXT COLLATE "C" NOT NULL, -- source of the event
  delivered BIGINT           NOT NULL, -- 0: it did not arrive
  at_ms     BIGINT           NOT NULL,
  PRIMARY KEY (tenant, message)
);
CREATE INDEX early_report_age ON early_report (tenant, gateway, at_ms);
-- Sessions that a patient booked himself in a day, also those that are over.
CREATE INDEX session_booked_at ON session (tenant, booked_by, created_ms) WHERE booked_by <> '';
