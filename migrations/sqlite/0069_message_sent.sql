-- Messages that left for a number or address within a day: what bounds them.
CREATE TABLE message_sent (
  tenant  TEXT    NOT NULL,
  address BLOB    NOT NULL, -- blind index
  letter  TEXT    NOT NULL, -- names the message: one that is sent again counts once
  cause   TEXT    NOT NULL, -- visit, asked, emergency
  at_ms   INTEGER NOT NULL,
  PRIMARY KEY (tenant, address, letter)
) WITHOUT ROWID;
CREATE INDEX message_sent_age ON message_sent (tenant, at_ms);
-- Sessions that one person has booked and whose time has come.
CREATE INDEX session_booked_now ON session (tenant, booked_by, at_ms) WHERE booked_by <> '' AND ended_ms IS NULL;
DROP INDEX session_booked_by;
